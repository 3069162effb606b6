"""The engine image from a registry of the region: pulled across the internet once, not by every machine."""

from __future__ import annotations

from fleet import naming
from fleet.gcp.inputs import RegionInputs
from fleet.gcp.plan import ImageMirrorPlan

UPSTREAM = "DOCKER_HUB"
"""What Artifact Registry calls Docker Hub, where the engine image is published."""

REPOSITORY_LIMIT = 63
"""Characters of a repository's name."""

IMAGE_HOST = "docker.io/"


def image_mirror(inputs: RegionInputs) -> ImageMirrorPlan | None:
    """The remote repository, where the stack file asks for one.

    It asks Docker Hub as nobody: unlike on AWS, no account is needed, and Docker Hub's limit for callers without one holds.
    """
    if not inputs.cluster.images.mirror:
        return None
    name = naming.safe_name(inputs.owner, inputs.cluster_name, "images", limit=REPOSITORY_LIMIT)
    return ImageMirrorPlan(name=name, upstream=UPSTREAM, path=f"{inputs.region}-docker.pkg.dev/{inputs.project}/{name}")


def mirrored(image: str, mirror: ImageMirrorPlan | None) -> str:
    """The image as its pods pull it: through the region's registry, or unchanged where it has none or another host is meant."""
    if mirror is None or not image.startswith(IMAGE_HOST):
        return image
    return f"{mirror.path}/{image.removeprefix(IMAGE_HOST)}"
