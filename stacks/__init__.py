"""Wires the plan to the components: one region after the other, and nothing of one depends on another."""

from stacks.assembly import assemble

__all__ = ["assemble"]
