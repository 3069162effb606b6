"""Whose it is and what it costs whom: labels on everything that Google labels, also on what GKE and its drivers make later on their own."""

from __future__ import annotations

import json
from functools import cache
from typing import Any

import pulumi_gcp
import pytest

from fleet.fleet_plan import ClusterPlan
from tests.support.gcp_programs import FLEETS, recorded
from tests.support.recorded_fleet import Recorded

pytestmark = pytest.mark.mocks

NODES, CLUSTER = "gcp:container/nodePool:NodePool", "gcp:container/cluster:Cluster"

UNLABELLED = {
    "gcp:compute/firewall:Firewall",
    "gcp:compute/network:Network",
    "gcp:compute/router:Router",
    "gcp:compute/routerNat:RouterNat",
    "gcp:compute/subnetwork:Subnetwork",
    "gcp:dns/recordSet:RecordSet",
    "gcp:kms/keyRing:KeyRing",
    "gcp:projects/service:Service",
    "gcp:projects/serviceIdentity:ServiceIdentity",
    "gcp:serviceaccount/account:Account",
    "gcp:storage/anywhereCache:AnywhereCache",
    "gcp:artifactregistry/repositoryIamMember:RepositoryIamMember",
    "gcp:kms/cryptoKeyIAMMember:CryptoKeyIAMMember",
    "gcp:projects/iAMMember:IAMMember",
    "gcp:secretmanager/secretIamMember:SecretIamMember",
    "gcp:storage/bucketIAMMember:BucketIAMMember",
}
"""What Google gives no labels. Networks and accounts say in their description whose they are."""

LABELLED_OTHERWISE = {NODES}
"""Machines and their disks, through the labels of their node configuration."""


@pytest.fixture(params=FLEETS)
def fleet(request: pytest.FixtureRequest) -> Recorded:
    return recorded(request.param)


def _wanted(fleet: Recorded, planned: ClusterPlan) -> dict[str, str]:
    whose = {"fleet": fleet.plan.name, "environment": fleet.plan.environment, "owner": fleet.plan.owner, "cluster": planned.name}
    return {**whose, "managed-by": "vllm-fleet"}


@cache
def _reached(kind: str) -> bool:
    """Whether the SDK's class has what default labels become part of."""
    module, _, name = kind.removeprefix("gcp:").partition(":")
    package: Any = getattr(pulumi_gcp, module.split("/")[0])
    return hasattr(getattr(package, name), "effective_labels")


def test_every_provider_labels_all_it_makes_with_fleet_environment_owner_and_cluster(fleet: Recorded) -> None:
    for planned in fleet.clusters:
        labels = json.loads(fleet.the("pulumi:providers:gcp", planned.name).inputs["defaultLabels"])
        assert labels == _wanted(fleet, planned), "what a bill is split by, and whom to ask before anybody deletes it by hand"


def test_default_labels_reach_every_kind_that_google_labels(fleet: Recorded) -> None:
    missed = {each.type for each in fleet.made("gcp:") if not _reached(each.type)}
    assert missed <= UNLABELLED | LABELLED_OTHERWISE, "a kind that is new here: can it be labelled, and how?"
    assert not {kind for kind in UNLABELLED if _reached(kind)}, "the table tells the truth"


def test_no_label_of_a_resource_overrides_what_its_region_says(fleet: Recorded) -> None:
    for planned in fleet.clusters:
        for each in fleet.made("gcp:", cluster=planned.name):
            assert not each.inputs.get("labels"), f"{each.name} would say something else than all around it"


def test_machines_and_their_disks_carry_the_labels_that_gke_would_not_give_them(fleet: Recorded) -> None:
    for planned in fleet.clusters:
        assert fleet.the(CLUSTER, planned.name).inputs["resourceLabels"] == _wanted(fleet, planned), "the cluster, as its provider would"
        for each in fleet.made(NODES, cluster=planned.name):
            assert each.inputs["nodeConfig"]["resourceLabels"] == _wanted(fleet, planned), f"{each.name}: machines and boot disks"


def test_what_drivers_make_on_their_own_carries_the_labels_too() -> None:
    fleet = recorded("everything")
    for planned in fleet.clusters:
        classes = [each.inputs for each in fleet.made("kubernetes:storage.k8s.io/v1:StorageClass", cluster=planned.name)]
        assert classes, "volumes of caches"
        for each in classes:
            written = dict(pair.split("=", 1) for pair in each["parameters"]["labels"].split(","))
            assert _wanted(fleet, planned).items() <= written.items(), f"{each['metadata']['name']}: what a destroy that was cut off leaves behind"


def test_a_network_and_an_account_say_whose_they_are(fleet: Recorded) -> None:
    for planned in fleet.clusters:
        title = planned.gcp_plan.control_plane.name
        for each in fleet.made("gcp:compute/network:Network", "gcp:serviceaccount/account:Account", "gcp:compute/firewall:Firewall"):
            if fleet.graph.region(each) == planned.name:
                assert title in each.inputs["description"], f"{each.name}: found in the console by its cluster's name"
