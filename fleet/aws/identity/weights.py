"""Roles around the bucket of weights: servers read, the mirror writes, S3 copies to other regions."""

from __future__ import annotations

from fleet.aws.identity.names import service_host
from fleet.aws.identity.trust import pod_role, service
from fleet.aws.inputs import RegionInputs
from fleet.aws.plan import RolePlan
from fleet.aws.policy import Conditions, Statement
from fleet.caches import BUCKET_PREFIX
from fleet.references import Reference

BUCKET = Reference("bucket_arn")
WEIGHTS = Reference("bucket_arn", suffix=f"/{BUCKET_PREFIX}*")
KEY = Reference("key_arn")

IN_OWN_ACCOUNT: Conditions = {"StringEquals": {"aws:ResourceAccount": "${aws:PrincipalAccount}"}}
"""Names of buckets are everybody's: one that was deleted can be made again by a stranger."""


def model_server(inputs: RegionInputs) -> RolePlan:
    """Pods that serve: read weights and nothing else."""
    return pod_role(
        inputs,
        "model-server",
        "Model servers: read weights from the bucket of the region",
        (inputs.namespace, "model-server"),
        *_read(),
        _through_s3(inputs, "OpenWeights", "kms:Decrypt"),
    )


def weights_mirror(inputs: RegionInputs) -> RolePlan:
    """Jobs that bring weights from the hub. What they delete stays as an old version: only the bucket's lifecycle ends those."""
    return pod_role(
        inputs,
        "weights-mirror",
        "Mirror of weights: writes weights to the bucket of the region",
        (inputs.namespace, "weights-mirror"),
        *_read(),
        Statement(
            sid="WriteWeights",
            actions=("s3:AbortMultipartUpload", "s3:DeleteObject", "s3:PutObject"),
            resources=(WEIGHTS,),
            conditions=IN_OWN_ACCOUNT,
        ),
        _through_s3(inputs, "SealWeights", "kms:Decrypt", "kms:GenerateDataKey"),
    )


def replication(inputs: RegionInputs) -> RolePlan | None:
    """S3 itself, copying weights to the buckets of other clusters. It may not delete: deletions are not copied.

    Its principal is the same for every account, and AWS documents no condition for it; the role opens nothing but this fleet's buckets.
    """
    clusters = inputs.settings.clusters
    # A name of no cluster is refused by `checks`, with all else that is wrong.
    names = [name for name in inputs.cluster.replicate_weights_to if name in clusters]
    if not names:
        return None
    destinations = sorted({service_host("s3", str(clusters[name].region)) for name in names})
    return RolePlan(
        key="replication",
        description="S3: copies weights of this region to other regions",
        trust=service("s3.amazonaws.com"),
        statements=(
            Statement(sid="KnowTheSource", actions=("s3:GetReplicationConfiguration", "s3:ListBucket"), resources=(BUCKET,)),
            Statement(
                sid="ReadTheSource",
                actions=("s3:GetObjectVersionAcl", "s3:GetObjectVersionForReplication", "s3:GetObjectVersionTagging"),
                resources=(WEIGHTS,),
            ),
            Statement(
                sid="WriteCopies",
                actions=("s3:ReplicateObject", "s3:ReplicateTags"),
                resources=tuple(Reference(f"bucket_arn.{name}", suffix=f"/{BUCKET_PREFIX}*") for name in names),
                conditions=IN_OWN_ACCOUNT,
            ),
            _through_s3(inputs, "OpenTheSource", "kms:Decrypt"),
            Statement(
                sid="SealCopies",
                actions=("kms:Encrypt", "kms:GenerateDataKey"),
                resources=tuple(Reference(f"key_arn.{name}") for name in names),
                conditions={"StringEquals": {"kms:ViaService": tuple(destinations)}},
            ),
        ),
    )


def _read() -> tuple[Statement, ...]:
    """Listing is not limited to the prefix, and there is nothing else in the bucket: S3 says "not found" only to whoever may list without a
    condition, else "denied", and Mountpoint asks for each file that it is about to make, the gate for a marker that is not there yet.
    """
    return (
        Statement(sid="ListWeights", actions=("s3:ListBucket",), resources=(BUCKET,), conditions=IN_OWN_ACCOUNT),
        Statement(sid="ReadWeights", actions=("s3:GetObject",), resources=(WEIGHTS,), conditions=IN_OWN_ACCOUNT),
    )


def _through_s3(inputs: RegionInputs, sid: str, *actions: str) -> Statement:
    """The key, when S3 asks for it in the role's name: not for anything that is encrypted elsewhere."""
    return Statement(sid=sid, actions=actions, resources=(KEY,), conditions={"StringEquals": {"kms:ViaService": service_host("s3", inputs.region)}})
