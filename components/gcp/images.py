"""A repository of the region that fetches the engine image once and keeps it."""

from __future__ import annotations

from dataclasses import dataclass

import pulumi
from pulumi_gcp import artifactregistry

from fleet.gcp.plan import ImageMirrorPlan


@dataclass(frozen=True, kw_only=True)
class ImageMirrorArgs:
    """What a mirror is made from."""

    plan: ImageMirrorPlan
    region: str
    key_id: pulumi.Input[str]


class ImageMirror(pulumi.ComponentResource):
    """A remote repository. Images appear in it with the first pull of each."""

    repository: pulumi.Output[str]

    def __init__(self, name: str, args: ImageMirrorArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("fleet:gcp:ImageMirror", name, None, opts)
        mirror = artifactregistry.Repository(
            f"{name}-repository",
            repository_id=args.plan.name,
            location=args.region,
            description="Images that are pulled through",
            format="DOCKER",
            mode="REMOTE_REPOSITORY",
            remote_repository_config=artifactregistry.RepositoryRemoteRepositoryConfigArgs(
                docker_repository=artifactregistry.RepositoryRemoteRepositoryConfigDockerRepositoryArgs(public_repository=args.plan.upstream)
            ),
            kms_key_name=args.key_id,
            opts=pulumi.ResourceOptions(parent=self),
        )
        self.repository = mirror.repository_id
        self.register_outputs({})
