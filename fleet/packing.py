"""Whether pods find nodes in whatever order the scheduler places them.

The scheduler does not pack: it may spread small pods over all nodes first. So a pod of `t` GPUs is counted as placeable
only if no arrangement of the other pods can leave every node with fewer than `t` free GPUs.
"""

from __future__ import annotations

from collections.abc import Mapping
from math import gcd

Pods = Mapping[str, tuple[int, int]]
"""Group to (GPUs per pod, number of pods)."""


def placeable(gpus_per_node: int, nodes: int, pods: Pods) -> str | None:
    """The name of a group of pods whose last pod may find no node, or None when every order places all of them.

    Exact where all pods are of one size. With several sizes it errs on the safe side: usage of a node is taken to move
    in steps of the sizes' common divisor, and sums that these pods cannot form count as possible.

    Args:
        gpus_per_node: GPUs of each node.
        nodes: how many nodes there may be.
        pods: what runs at once.
    """
    return next((name for name, needed in _needs(gpus_per_node, pods) if needed is None or needed > nodes), None)


def nodes_for(gpus_per_node: int, pods: Pods) -> int | None:
    """The fewest nodes for which `placeable` is sure; None where a pod is larger than a node."""
    needs = [needed for _, needed in _needs(gpus_per_node, pods)]
    return None if None in needs else max((needed for needed in needs if needed is not None), default=0)


def _needs(gpus_per_node: int, pods: Pods) -> list[tuple[str, int | None]]:
    """Group to the nodes that keep a place for its last pod."""
    total = sum(size * count for size, count in pods.values())
    step = gcd(*(size for size, count in pods.values() if count))
    found: list[tuple[str, int | None]] = []
    for name, (size, count) in pods.items():
        if not count:
            continue
        if size > gpus_per_node:
            found.append((name, None))
            continue
        # A node refuses the pod once fewer than `size` GPUs are free; usage moves in multiples of the common divisor.
        blocking = -(-(gpus_per_node - size + 1) // step) * step
        found.append((name, (total - size) // blocking + 1))
    return found
