"""A region of AWS and one of Google Cloud from nothing to nothing in one stack: what is made, in which order, and taken away again.

Account, project and clusters are simulated; the stand-ins refuse what is made too early or removed too late.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from fleet.settings import Secrets
from stacks.outputs import FleetOutputs
from tests.support.cloud_fleet import CloudFleet, small
from tests.support.cloud_login import CREDENTIALS, GOOGLE_SECRET

pytestmark = pytest.mark.engine

INSIDE_FIRST = {
    "east": ("Deployment", "Release", "NodeGroup", "Cluster", "NatGateway", "Vpc"),
    "central": ("Deployment", "Release", "NodePool", "Cluster", "RouterNat", "Network"),
}
"""What has to be gone before the next: servers, the charts that make load balancers, machines, control plane, the way out, network."""

GRANTS = {
    "project": "IAMMember",
    "key": "CryptoKeyIAMMember",
    "bucket": "BucketIAMMember",
    "secret": "SecretIamMember",
    "repository": "RepositoryIamMember",
}


@pytest.fixture(scope="module")
def fleet(tmp_path_factory: pytest.TempPathFactory) -> Iterator[CloudFleet]:
    settings = small("east", "central") | {"secrets": {"hub_token": "hub", "engine_api_key": "engine"}}
    found = CloudFleet(tmp_path_factory.mktemp("fleet"), settings)
    found.gcp.projects.switched_off |= set(found.gcp_region("central").apis)
    found.gcp.projects.identity_pools = False  # as in a project that never had a cluster
    yield found
    found.remove()


def _planned_in_aws(fleet: CloudFleet) -> dict[str, int]:
    """What the plan says of how many things of some kinds there are."""
    region = fleet.aws_region("east")
    return {
        "Cluster": 1,
        "NodeGroup": len(region.node_groups),
        "LaunchTemplate": len(region.node_groups),
        "Tag": sum(len(group.autoscaling_tags) for group in region.node_groups),
        "Addon": len(region.managed_add_ons),
        "Role": len(region.roles),
        "Subnet": 2 * len(region.network.zones),
        "NatGateway": sum(zone.nat for zone in region.network.zones),
        "Secret": len(region.secrets),
    }


def _planned_in_google(fleet: CloudFleet) -> dict[str, int]:
    region = fleet.gcp_region("central")
    grants = Counter(GRANTS[grant.on] for identity in region.identities for grant in identity.grants)
    return {
        "Cluster": 1,
        "NodePool": len(region.node_pools),
        "Service": len(region.apis),
        "ServiceIdentity": len(region.service_agents),
        "Subnetwork": 2,
        "RouterNat": 1,
        "Account": sum(identity.account_id is not None for identity in region.identities),
        "Secret": len(region.secrets),
        "Bucket": 1,
        **grants,
    }


def _planned(fleet: CloudFleet) -> dict[Any, dict[str, int]]:
    return {fleet.aws: _planned_in_aws(fleet), fleet.gcp: _planned_in_google(fleet)}


def test_a_preview_with_nothing_there_counts_what_the_plan_means_and_makes_nothing(fleet: CloudFleet) -> None:
    changes = fleet.stack().preview()
    assert set(changes) == {"create"}, "everything is new"
    for cloud, expected in _planned(fleet).items():
        previewed = Counter(urn.split("::")[2].rpartition(":")[2] for urn in cloud.previewed)
        assert {kind: previewed[kind] for kind in expected} == expected, f"every part of the plan in {cloud.package}, each once"
        assert not cloud.objects, "a preview makes nothing"
        assert not cloud.invoked, "and looks nothing up"
    assert not fleet.kubernetes.previewed, "no API server is asked before there is one"


def test_the_first_update_makes_both_halves_once_and_hands_out_the_contract(fleet: CloudFleet) -> None:
    for cloud, machines in ((fleet.aws, "NodeGroup"), (fleet.gcp, "NodePool")):
        cloud.throttle("create", 20)
        cloud.throttle("create", matching=machines)
    fleet.forget()
    outputs = fleet.stack().up(fleet.said.append)
    for cloud, expected in _planned(fleet).items():
        made = Counter(change.kind for change in cloud.log)
        assert {kind: made[kind] for kind in expected} == expected, f"what the plan says of {cloud.package}"
        assert cloud.throttled == 6, "a cloud that is asked too often is asked again"
    assert {change.operation for change in fleet.changes()} == {"create"}, "nothing was there before"
    assert not fleet.orphans(), "and nothing is made twice by asking again"
    for cluster in fleet.plan().clusters:
        wanted = (cluster.aws or cluster.gcp_plan).in_cluster
        expected = {"Release": len(wanted.add_ons), "StorageClass": len(wanted.storage_classes), "Deployment": len(cluster.models)}
        made = fleet.done(cluster.name)
        assert {kind: made[f"create {kind}"] for kind in expected} == expected, f"what the plan says of the inside of {cluster.name}"
    contract = json.loads(json.dumps(FleetOutputs.of(fleet.plan(), Secrets(hub_token="hub", engine_api_key="engine")).values))
    assert outputs == contract, "other teams read the plan's values, and of secrets their names"


def test_each_cluster_makes_its_own_things_in_its_own_region(fleet: CloudFleet) -> None:
    by_region = {"us-east-2": "east", "us-central1": "central"}
    wrong = [str(change) for cloud in fleet.clouds for change in cloud.log if f"::{by_region.get(change.region, '')}" not in change.urn]
    assert not wrong, "one explicit provider for each region"


def test_everything_is_made_after_what_it_needs(fleet: CloudFleet) -> None:
    for log, package in ((fleet.aws.log, "aws"), (fleet.gcp.log, "gcp"), (fleet.kubernetes.log, "kubernetes")):
        order = {change.urn: index for index, change in enumerate(log)}
        for urn, needed in fleet.dependencies(package).items():
            assert all(order[one] < order[urn] for one in needed), f"{urn} was made before what it depends on"
    workload = {
        "east": {"Cluster", "NodeGroup", "AccessPolicyAssociation", "NatGateway"},
        "central": {"Cluster", "NodePool", "IAMMember", "RouterNat"},
    }
    machines = {"NodeGroup": {"Addon", "Route", "RolePolicyAttachment"}, "NodePool": {"RouterNat", "RecordSet", "IAMMember", "CryptoKeyIAMMember"}}
    for urn, needed in fleet.dependencies("aws", "gcp", "kubernetes").items():
        kinds, kind = {one.split("::")[2].rpartition(":")[2] for one in needed}, urn.split("::")[2].rpartition(":")[2]
        if kind in ("Release", "Deployment"):
            assert workload[fleet.cluster_of(urn)] <= kinds, f"{urn} is there before a machine that could run it"
        if kind in machines:
            assert machines[kind] <= kinds, f"{urn}: a machine needs its network, its way out and its role"


def test_neither_half_depends_on_the_other(fleet: CloudFleet) -> None:
    for urn, needed in fleet.dependencies("aws", "gcp", "kubernetes").items():
        assert {fleet.cluster_of(one) for one in needed} <= {fleet.cluster_of(urn)}, f"{urn} waits for another cloud"


def test_a_refresh_and_an_update_without_a_change_change_nothing(fleet: CloudFleet) -> None:
    assert fleet.up(refresh=True) == {}, "what was made is what is read back, and what is wanted"
    assert not fleet.done(), "no provider was asked to change anything"


def test_no_credential_and_no_token_is_in_the_state(fleet: CloudFleet) -> None:
    text = fleet.state_text()
    assert not [name for name, value in CREDENTIALS.items() if value in text], "credentials stay where AWS's tools find them"
    assert GOOGLE_SECRET not in text, "and Google's"
    assert "get-token" in text, "the way to a token is there"
    assert "gke-gcloud-auth-plugin" in text, "for both"
    assert "k8s-aws-v1." not in text, "no token is"
    assert "ya29." not in text, "of either cloud"
    assert not [key for key in fleet.objects() if key[1] == "SecretVersion"], "containers for secrets are empty: no value passes through here"


def test_a_destroy_that_fails_in_the_middle_goes_on_from_inside_to_outside_and_leaves_nothing(fleet: CloudFleet) -> None:
    needed_by = fleet.dependencies("aws", "gcp", "kubernetes")
    keys = {cloud: {key for key in cloud.objects if key[1] in ("Key", "KeyRing", "CryptoKey")} for cloud in fleet.clouds}
    fleet.aws.fail("delete", 2, "DependencyViolation: not yet", matching="NodeGroup")
    fleet.gcp.fail("delete", 2, "googleapi: Error 400: resourceInUseByAnotherResource", matching="NodePool")
    said = fleet.failing(fleet.start("destroy"))
    assert "DependencyViolation: not yet" in said or "resourceInUseByAnotherResource" in said, "the cloud's words"
    assert {key[1] for key in fleet.objects()} >= {"Cluster"}, "what was not yet empty stayed"
    fleet.heal()
    fleet.said.clear()
    fleet.stack().destroy(fleet.said.append)
    assert not list(fleet.objects()), "nothing is left"
    assert not fleet.kubernetes.objects, "nor inside the clusters"
    for cloud in fleet.clouds:
        assert not cloud.inventory.implicit, "nor what the cloud had made beside it"
        assert cloud.inventory.scheduled >= keys[cloud], "keys go later or never, as their cloud has it"
    deleted = [line.strip() for line in (*said.splitlines(), *fleet.said) if line.startswith("  deleted")]
    _reversed(needed_by, [" ".join(line.split()[1:]) for line in deleted])


def _reversed(needed_by: Mapping[str, set[str]], deleted: list[str]) -> None:
    order = {name: index for index, name in enumerate(deleted)}
    assert len(order) == len(deleted), "everything is deleted once"
    for urn, needed in needed_by.items():
        assert all(order[_said(urn)] < order[_said(one)] for one in needed), f"{urn} outlived what it depends on"
    for cluster, kinds in INSIDE_FIRST.items():
        last = [max(order[name] for name in order if name.startswith((f"{kind} {cluster}-", f"{kind} {cluster}."))) for kind in kinds]
        assert last == sorted(last), f"the last of each kind goes in this order: {kinds}"


def _said(urn: str) -> str:
    """As a person reads of it: kind and name."""
    return f"{urn.split('::')[2].rpartition(':')[2]} {urn.rpartition('::')[2]}"
