"""The embedded default: a fleet on one machine, with no cloud account."""
