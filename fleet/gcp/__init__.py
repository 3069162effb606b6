"""Decisions about regions of Google Cloud."""
