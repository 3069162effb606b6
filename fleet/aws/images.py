"""The engine image from a registry of the region: pulled across the internet once, not by every machine."""

from __future__ import annotations

from fleet import naming
from fleet.aws.inputs import RegionInputs
from fleet.aws.plan import ImageMirrorPlan
from fleet.aws.secrets import RECOVERY_DAYS
from fleet.references import Reference

UPSTREAM = "registry-1.docker.io"
"""What ECR calls Docker Hub, where the engine image is published."""

PREFIX_LIMIT = 30
"""Characters of a repository prefix of ECR."""

SECRET_PREFIX = "ecr-pullthroughcache/"  # noqa: S105  how ECR demands that the name of such a secret begins
IMAGE_HOST = "docker.io/"


def image_mirror(inputs: RegionInputs) -> ImageMirrorPlan | None:
    """The pull-through cache, where the stack file asks for one."""
    images = inputs.cluster.images
    if not images.mirror:
        return None
    prefix = naming.safe_name(inputs.settings.name, inputs.settings.environment, inputs.cluster_name, limit=PREFIX_LIMIT)
    return ImageMirrorPlan(
        upstream=UPSTREAM,
        prefix=prefix,
        credential_arn=images.credential_arn,
        recovery_days=RECOVERY_DAYS[inputs.settings.environment == "prod"],
        credential_secret=None if images.credential_arn else f"{SECRET_PREFIX}{prefix}",
    )


def mirrored(image: str, mirror: ImageMirrorPlan | None) -> str | Reference:
    """The image as its pods pull it: through the region's registry, or unchanged where it has none or another host is meant."""
    if mirror is None or not image.startswith(IMAGE_HOST):
        return image
    return Reference("registry", suffix=f"/{mirror.prefix}/{image.removeprefix(IMAGE_HOST)}")
