"""Two regions of AWS from nothing to nothing under the real engine: what is made, in which order, and taken away again.

Account and clusters are simulated; the stand-ins refuse what is made too early or removed too late.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Mapping

import pytest

from fleet.settings import Secrets
from stacks.outputs import FleetOutputs
from tests.support.aws_fleet import CREDENTIALS, TWO_REGIONS, AwsFleet

pytestmark = pytest.mark.engine

INSIDE_FIRST = ("Deployment", "Release", "NodeGroup", "Cluster", "NatGateway", "Vpc")
"""What has to be gone before the next: servers, the charts that make load balancers, machines, control plane, network."""


@pytest.fixture(scope="module")
def fleet(tmp_path_factory: pytest.TempPathFactory) -> Iterator[AwsFleet]:
    found = AwsFleet(tmp_path_factory.mktemp("fleet"), TWO_REGIONS | {"secrets": {"hub_token": "hub", "engine_api_key": "engine"}})
    yield found
    found.remove()


def _planned(fleet: AwsFleet) -> Counter[str]:
    """What the plan says of how many things of some kinds there are."""
    found: Counter[str] = Counter()
    for cluster in fleet.plan().clusters:
        region = cluster.aws_plan
        found += Counter(
            {
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
        )
    return found


def _inside(fleet: AwsFleet) -> Counter[str]:
    found: Counter[str] = Counter()
    for cluster in fleet.plan().clusters:
        wanted = cluster.aws_plan.in_cluster
        found += Counter({"Release": len(wanted.add_ons), "StorageClass": len(wanted.storage_classes), "Deployment": len(cluster.models)})
    return found


def test_a_preview_with_nothing_there_counts_what_the_plan_means_and_makes_nothing(fleet: AwsFleet) -> None:
    changes = fleet.stack().preview()
    assert set(changes) == {"create"}, "everything is new"
    previewed = Counter(urn.split("::")[2].rpartition(":")[2] for urn in fleet.aws.previewed)
    expected = _planned(fleet)
    assert {kind: previewed[kind] for kind in expected} == expected, "every part of the plan, each once"
    assert not fleet.kubernetes.previewed, "no API server is asked before there is one"
    assert not fleet.aws.objects, "a preview makes nothing"
    assert not fleet.aws.invoked, "and looks nothing up"


def test_the_first_update_makes_everything_once_and_hands_out_the_contract(fleet: AwsFleet) -> None:
    fleet.aws.throttle("create", 20)
    fleet.aws.throttle("create", matching="NodeGroup")
    fleet.forget()
    outputs = fleet.stack().up(fleet.said.append)
    made, expected = fleet.done(), _planned(fleet) + _inside(fleet)
    assert {kind: made[f"create {kind}"] for kind in expected} == expected, "what the plan says"
    assert {change.operation for change in (*fleet.aws.log, *fleet.kubernetes.log)} == {"create"}, "nothing was there before"
    assert fleet.aws.throttled == 6, "an account that is asked too often is asked again"
    assert not fleet.aws.duplicates(), "and nothing is made twice by that"
    contract = json.loads(json.dumps(FleetOutputs.of(fleet.plan(), Secrets(hub_token="hub", engine_api_key="engine")).values))
    assert outputs == contract, "other teams read the plan's values, and of secrets their names"


def test_each_region_makes_its_own_things(fleet: AwsFleet) -> None:
    by_region = {"us-east-2": "east", "us-west-2": "west"}
    wrong = [str(change) for change in fleet.aws.log if change.region in by_region and f"::{by_region[change.region]}-" not in change.urn]
    assert not wrong, "one explicit provider for each region"


def test_everything_is_made_after_what_it_needs(fleet: AwsFleet) -> None:
    for log, package in ((fleet.aws.log, "aws"), (fleet.kubernetes.log, "kubernetes")):
        order = {change.urn: index for index, change in enumerate(log)}
        for urn, needed in fleet.dependencies(package).items():
            assert all(order[one] < order[urn] for one in needed), f"{urn} was made before what it depends on"
    needs = fleet.dependencies("aws", "kubernetes")
    for urn, needed in needs.items():
        kinds = {one.split("::")[2].rpartition(":")[2] for one in needed}
        if urn.split("::")[2].endswith((":Release", ":Deployment")):
            assert {"Cluster", "NodeGroup", "AccessPolicyAssociation", "NatGateway"} <= kinds, f"{urn} is there before a machine that could run it"
        if urn.split("::")[2].endswith(":NodeGroup"):
            assert {"Addon", "Route", "RolePolicyAttachment"} <= kinds, f"{urn}: a machine needs its network, its way out and its role"


def test_a_refresh_and_an_update_without_a_change_change_nothing(fleet: AwsFleet) -> None:
    assert fleet.up(refresh=True) == {}, "what was made is what is read back, and what is wanted"
    assert not fleet.done(), "neither provider was asked to change anything"


def test_no_credential_and_no_token_is_in_the_state(fleet: AwsFleet) -> None:
    text = fleet.state_text()
    assert not [name for name, value in CREDENTIALS.items() if value in text], "credentials stay where AWS's tools find them"
    assert "get-token" in text, "the way to a token is there"
    assert "k8s-aws-v1." not in text, "no token is"
    assert not [key for key in fleet.aws.objects if key[1] == "SecretVersion"], "containers for secrets are empty: no value passes through here"


def test_a_destroy_that_fails_in_the_middle_goes_on_from_inside_to_outside_and_leaves_nothing(fleet: AwsFleet) -> None:
    needed_by = fleet.dependencies("aws", "kubernetes")
    keys = {key for key in fleet.aws.objects if key[1] == "Key"}
    fleet.aws.fail("delete", 2, "DependencyViolation: not yet", matching="NodeGroup")
    said = fleet.failing(fleet.start("destroy"))
    assert "DependencyViolation: not yet" in said, "AWS's words"
    assert [key for key in fleet.aws.objects if key[1] == "Cluster"], "what was not yet empty stayed"
    fleet.heal()
    fleet.said.clear()
    fleet.stack().destroy(fleet.said.append)
    assert not fleet.aws.objects, "nothing is left"
    assert not fleet.kubernetes.objects, "nor inside the clusters"
    assert not fleet.aws.account.implicit, "nor what AWS had made beside it"
    assert fleet.aws.account.scheduled >= keys, "keys are scheduled, as AWS deletes them"
    deleted = [line.strip() for line in (*said.splitlines(), *fleet.said) if line.startswith("  deleted")]
    _reversed(needed_by, [" ".join(line.split()[1:]) for line in deleted])


def _reversed(needed_by: Mapping[str, set[str]], deleted: list[str]) -> None:
    order = {name: index for index, name in enumerate(deleted)}
    assert len(order) == len(deleted), "everything is deleted once"
    for urn, needed in needed_by.items():
        assert all(order[_said(urn)] < order[_said(one)] for one in needed), f"{urn} outlived what it depends on"
    for cluster in ("east", "west"):
        last = [max(order[name] for name in order if name.startswith((f"{kind} {cluster}-", f"{kind} {cluster}."))) for kind in INSIDE_FIRST]
        assert last == sorted(last), f"the last of each kind goes in this order: {INSIDE_FIRST}"


def _said(urn: str) -> str:
    """As a person reads of it: kind and name."""
    return f"{urn.split('::')[2].rpartition(':')[2]} {urn.rpartition('::')[2]}"
