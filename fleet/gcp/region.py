"""One region of Google Cloud, put together: the table of contents of what `components/gcp` creates."""

from __future__ import annotations

from fleet.gcp.add_ons import in_cluster
from fleet.gcp.control_plane import control_plane
from fleet.gcp.identity import apis, identities, service_agents
from fleet.gcp.images import image_mirror
from fleet.gcp.inputs import RegionInputs
from fleet.gcp.network import network_plan
from fleet.gcp.nodes import node_pools
from fleet.gcp.plan import GcpPlan
from fleet.gcp.secrets import secrets
from fleet.gcp.storage import bucket, key
from fleet.gcp.storage import problems as storage_problems
from fleet.problems import Problem


def region_plan(inputs: RegionInputs, labels: dict[str, str]) -> GcpPlan | list[Problem]:
    """Everything of the region, or every reason why it cannot be."""
    network = network_plan(inputs)
    if isinstance(network, list):
        return network
    problems = storage_problems(inputs)
    if problems:
        return problems
    return GcpPlan(
        project=inputs.project,
        guarded=inputs.prod,
        deletion_policy="PREVENT" if inputs.prod else "DELETE",
        apis=apis(inputs),
        service_agents=service_agents(inputs),
        network=network,
        control_plane=control_plane(inputs),
        node_pools=node_pools(inputs),
        identities=identities(inputs),
        key=key(inputs),
        bucket=bucket(inputs),
        secrets=secrets(inputs),
        image_mirror=image_mirror(inputs),
        in_cluster=in_cluster(inputs),
        labels=labels,
    )
