"""One AWS region, put together: the table of contents of what `components/aws` creates."""

from __future__ import annotations

from dataclasses import replace

from fleet import naming
from fleet.aws.add_ons import in_cluster, managed
from fleet.aws.control_plane import control_plane
from fleet.aws.identity import bucket_statements, file_system_statements, key_statements, roles
from fleet.aws.images import image_mirror
from fleet.aws.inputs import RegionInputs
from fleet.aws.network import network_plan
from fleet.aws.nodes import node_groups
from fleet.aws.plan import AwsPlan
from fleet.aws.secrets import secrets
from fleet.aws.storage import bucket, file_system
from fleet.aws.storage import problems as storage_problems
from fleet.problems import Problem


def region_plan(inputs: RegionInputs, tags: dict[str, str]) -> AwsPlan | list[Problem]:
    """Everything of the region, or every reason why it cannot be."""
    network = network_plan(inputs)
    problems = [*(network if isinstance(network, list) else []), *storage_problems(inputs)]
    if problems or isinstance(network, list):
        return problems
    files = file_system(inputs)
    return AwsPlan(
        account=inputs.cluster.account,
        guarded=inputs.prod,
        network=network,
        control_plane=control_plane(inputs),
        node_groups=node_groups(inputs),
        managed_add_ons=managed(inputs),
        roles=tuple(replace(role, prefix=_role_prefix(inputs, role.key)) for role in roles(inputs)),
        bucket=bucket(inputs),
        file_system=files,
        secrets=secrets(inputs),
        image_mirror=image_mirror(inputs),
        key_statements=key_statements(inputs),
        bucket_statements=bucket_statements(inputs),
        file_system_statements=file_system_statements(inputs) if files else (),
        in_cluster=in_cluster(inputs),
        tags=tags,
    )


def _role_prefix(inputs: RegionInputs, key: str) -> str:
    owner = (inputs.settings.name, inputs.settings.environment, inputs.cluster_name)
    return f"{naming.safe_name(*owner, key, limit=naming.AWS_ROLE_PREFIX - 1)}-"
