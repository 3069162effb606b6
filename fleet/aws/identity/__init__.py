"""Who may do what in an AWS region: roles of pods and of AWS's services, and policies of the key, the bucket and the file system.

Every statement names the resources of this region, or binds what has no name yet by tag or network (docs/adr/0040-aws-identity.md).
"""

from __future__ import annotations

from fleet.aws.identity.controllers import cluster_autoscaler, external_secrets, load_balancer_controller
from fleet.aws.identity.interfaces import vpc_cni
from fleet.aws.identity.resources import bucket_statements, file_system_statements, key_statements
from fleet.aws.identity.services import cluster, flow_logs, image_mirror, nodes
from fleet.aws.identity.volumes import ebs_csi, efs_csi
from fleet.aws.identity.weights import model_server, replication, weights_mirror
from fleet.aws.inputs import RegionInputs
from fleet.aws.plan import RolePlan

__all__ = ["bucket_statements", "file_system_statements", "key_statements", "roles"]

BUILDERS = (
    cluster,
    nodes,
    flow_logs,
    image_mirror,
    vpc_cni,
    ebs_csi,
    efs_csi,
    cluster_autoscaler,
    load_balancer_controller,
    external_secrets,
    model_server,
    weights_mirror,
    replication,
)


def roles(inputs: RegionInputs) -> tuple[RolePlan, ...]:
    """Every role of the region. A role that nobody would take on is left out.

    The driver of the bucket has none: each pod mounts it as itself.
    """
    return tuple(role for build in BUILDERS if (role := build(inputs)))
