"""What of a Google region exists before what, and so in which order it goes: as dependencies on the graph, not as the order of a run.

What holds in every cloud: test_cloud_order.py.
"""

from __future__ import annotations

import json

import pytest

from tests.support.gcp_programs import FLEETS, recorded
from tests.support.recorded_fleet import Recorded
from tests.support.recording import Resource

pytestmark = pytest.mark.mocks

SERVICE, AGENT = "gcp:projects/service:Service", "gcp:projects/serviceIdentity:ServiceIdentity"
NODES, CLUSTER, KEY = "gcp:container/nodePool:NodePool", "gcp:container/cluster:Cluster", "gcp:kms/cryptoKey:CryptoKey"
KEY_ROLE = "gcp:kms/cryptoKeyIAMMember:CryptoKeyIAMMember"


@pytest.fixture(params=FLEETS)
def fleet(request: pytest.FixtureRequest) -> Recorded:
    return recorded(request.param)


def _roles(fleet: Recorded, cluster: str) -> list[Resource]:
    """Everything that gives somebody a role."""
    return [each for each in fleet.made("gcp:", cluster=cluster) if each.type.lower().endswith("iammember")]


def _of_the_machines(fleet: Recorded, cluster: str) -> list[Resource]:
    return [each for each in _roles(fleet, cluster) if each.name.startswith(f"{cluster}-nodes-roles-")]


def test_every_service_is_on_before_anything_is_asked_of_one(fleet: Recorded) -> None:
    for planned in fleet.clusters:
        services = list(fleet.made(SERVICE, cluster=planned.name))
        assert {each.inputs["service"] for each in services} == set(planned.gcp_plan.apis), "those that the plan names"
        for each in fleet.made("gcp:", "pulumi:providers:kubernetes", cluster=planned.name):
            if each.type != SERVICE:
                assert not fleet.before(each, *services), f"{each.name} would be refused in a new project"


def test_services_of_google_exist_as_somebody_before_the_key_is_given_to_them(fleet: Recorded) -> None:
    for planned in fleet.clusters:
        agents = list(fleet.made(AGENT, cluster=planned.name))
        assert agents, "the one that tells the project's number at least"
        for each in fleet.made(KEY_ROLE, cluster=planned.name):
            assert not fleet.before(each, *agents), f"{each.name}: a role for nobody is refused"


def test_the_key_and_everybody_who_works_with_it_are_there_before_all_that_is_encrypted(fleet: Recorded) -> None:
    for planned in fleet.clusters:
        key, users = fleet.the(KEY, planned.name), list(fleet.made(KEY_ROLE, cluster=planned.name))
        assert len(users) >= 4, "disks, Kubernetes, buckets and secrets"
        encrypted = [
            each
            for each in fleet.made("gcp:", "kubernetes:", cluster=planned.name)
            if f"{key.name}-id" in json.dumps(each.inputs) and each.type != KEY_ROLE
        ]
        kinds = {each.type for each in encrypted}
        assert {CLUSTER, NODES, "gcp:storage/bucket:Bucket"} <= kinds, "Secrets, disks and weights among them"
        for each in encrypted:
            assert not fleet.before(each, key, *users), f"{each.name} would be unreadable as soon as the key goes, and is refused without the role"


def test_images_and_volumes_are_under_the_key_where_a_region_has_them() -> None:
    fleet = recorded("everything")
    key = fleet.the(KEY, "one")
    kinds = {each.type for each in fleet.made("gcp:", "kubernetes:", cluster="one") if f"{key.name}-id" in json.dumps(each.inputs)}
    assert {"gcp:artifactregistry/repository:Repository", "kubernetes:storage.k8s.io/v1:StorageClass"} <= kinds, "what is made later as well"


def test_machines_have_their_way_out_their_names_and_their_roles_from_the_first_second_to_the_last(fleet: Recorded) -> None:
    kinds = ("gcp:compute/routerNat:RouterNat", "gcp:compute/firewall:Firewall", "gcp:dns/recordSet:RecordSet", "gcp:compute/subnetwork:Subnetwork")
    for planned in fleet.clusters:
        ways = list(fleet.made(*kinds, cluster=planned.name))
        assert {each.type for each in ways} == set(kinds), "each of them"
        rights = _of_the_machines(fleet, planned.name)
        assert rights, "machines may do something"
        for each in fleet.made(CLUSTER, NODES, cluster=planned.name):
            assert not fleet.before(each, *ways, *rights), f"machines of {each.name} could not join, or not leave"


def test_the_network_goes_last_of_all_that_lies_in_it(fleet: Recorded) -> None:
    for planned in fleet.clusters:
        network = fleet.the("gcp:compute/network:Network", planned.name)
        for each in fleet.made("gcp:compute/", "gcp:container/", "gcp:dns/", "kubernetes:", cluster=planned.name):
            assert each is network or not fleet.before(each, network), f"{each.name} would hold the network, which Google then refuses to delete"


def test_pods_are_somebody_only_once_there_is_a_cluster_and_before_they_start(fleet: Recorded) -> None:
    for planned in fleet.clusters:
        pods = [each for each in _roles(fleet, planned.name) if each.inputs["member"].startswith("principal:")]
        assert len(pods) >= 2, "servers and the mirror"
        for each in pods:
            assert not fleet.before(each, fleet.the(CLUSTER, planned.name)), f"{each.name}: Google refuses a member of a pool that is not there"
        for each in fleet.made("kubernetes:", cluster=planned.name):
            assert not fleet.before(each, *pods), f"pods of {each.name} would be refused what they are there for"


def test_weights_are_read_through_flash_only_where_it_is_there() -> None:
    fleet = recorded("everything")
    caches = list(fleet.made("gcp:storage/anywhereCache:AnywhereCache", cluster="one"))
    assert [each.inputs["zone"] for each in caches] == list(fleet.clusters[0].gcp_plan.bucket.cached_zones), "in the zones of the plan"
    assert caches, "which has some"
    for each in fleet.made("kubernetes:core/v1:PersistentVolume", cluster="one"):
        assert not fleet.before(each, *caches), f"{each.name}: the first start would be the slow one, and the bucket could not go"


def test_mirrored_images_are_pulled_from_a_repository_that_is_there(fleet: Recorded) -> None:
    for planned in fleet.clusters:
        mirrors = list(fleet.made("gcp:artifactregistry/", cluster=planned.name))
        assert bool(mirrors) == bool(planned.gcp_plan.image_mirror), "where the stack file asks for it"
        for each in fleet.made("kubernetes:apps/v1:Deployment", "kubernetes:batch/v1:Job", cluster=planned.name):
            assert not fleet.before(each, *mirrors), f"{each.name} would ask the registry for an image that it does not know"
