"""What an AWS region of the fleet is made of, decided from the settings: no SDK, no lookup."""
