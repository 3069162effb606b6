"""Creates what the plan says and decides nothing: no arithmetic, no question about the cloud."""
