"""A registry of the region that fetches the engine image once and keeps it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import pulumi
from pulumi_aws import ecr, secretsmanager

from fleet.aws.plan import ImageMirrorPlan


@dataclass(frozen=True, kw_only=True)
class ImageMirrorArgs:
    """What a mirror is made from."""

    plan: ImageMirrorPlan
    role_arn: pulumi.Input[str]
    """Of the role under which ECR makes and tags repositories."""
    tags: Mapping[str, str]


class ImageMirror(pulumi.ComponentResource):
    """A pull-through cache. Repositories appear in it, encrypted, with the first pull of each image."""

    def __init__(self, name: str, args: ImageMirrorArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("fleet:aws:ImageMirror", name, None, opts)
        plan, child = args.plan, pulumi.ResourceOptions(parent=self)
        template = ecr.RepositoryCreationTemplate(
            f"{name}-template",
            prefix=plan.prefix,
            description="Images that are pulled through",
            applied_fors=["PULL_THROUGH_CACHE"],
            # Tags of an upstream move; pods name images by digest where one is locked.
            image_tag_mutability="MUTABLE",
            encryption_configurations=[ecr.RepositoryCreationTemplateEncryptionConfigurationArgs(encryption_type="AES256")],
            custom_role_arn=args.role_arn,
            resource_tags=dict(args.tags),
            opts=child,
        )
        self.rule = ecr.PullThroughCacheRule(
            f"{name}-rule",
            ecr_repository_prefix=plan.prefix,
            upstream_registry_url=plan.upstream,
            credential_arn=plan.credential_arn or self._container(name, plan),
            opts=pulumi.ResourceOptions(parent=self, depends_on=[template]),
        )
        self.register_outputs({})

    def _container(self, name: str, plan: ImageMirrorPlan) -> pulumi.Output[str]:
        secret = secretsmanager.Secret(
            f"{name}-credential",
            name=plan.credential_secret,
            description="User name and access token of the registry that is mirrored: {username, accessToken}",
            # Under the key of Secrets Manager itself, as ECR's guide has it: nothing says that ECR reads one under another key.
            recovery_window_in_days=plan.recovery_days,
            opts=pulumi.ResourceOptions(parent=self),
        )
        return secret.arn
