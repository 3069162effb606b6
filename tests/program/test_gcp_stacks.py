"""The Google regions of the shipped stack files and of others: exactly these resources, named by the keys of the stack file."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator

import pytest

from fleet.fleet_plan import ClusterPlan
from fleet.gcp.plan import IdentityPlan
from tests.support.gcp_programs import FLEETS, recorded
from tests.support.recorded_fleet import Recorded

pytestmark = pytest.mark.mocks

GRANTS = {
    "project": "gcp:projects/iAMMember:IAMMember",
    "key": "gcp:kms/cryptoKeyIAMMember:CryptoKeyIAMMember",
    "bucket": "gcp:storage/bucketIAMMember:BucketIAMMember",
    "secret": "gcp:secretmanager/secretIamMember:SecretIamMember",
    "repository": "gcp:artifactregistry/repositoryIamMember:RepositoryIamMember",
}

FIXED = {
    "gcp:artifactregistry/repository:Repository": "repositoryId",
    "gcp:container/cluster:Cluster": "name",
    "gcp:container/nodePool:NodePool": "name",
    "gcp:dns/recordSet:RecordSet": "name",
    "gcp:secretmanager/secret:Secret": "secretId",
    "gcp:serviceaccount/account:Account": "accountId",
}
"""What people and Google itself look for under a name that is known before, and the field that has it. All else gets a random end, so that its
successor can be made beside it; record sets are names."""

Named = Iterator[tuple[str, str]]
"""Type, and what comes after the cluster's key and a hyphen in the name."""


@pytest.fixture(params=FLEETS)
def fleet(request: pytest.FixtureRequest) -> Recorded:
    return recorded(request.param)


def _network() -> Named:
    yield "gcp:compute/network:Network", "network-vpc"
    yield "gcp:compute/subnetwork:Subnetwork", "network-nodes"
    yield "gcp:compute/subnetwork:Subnetwork", "network-proxy"
    yield "gcp:compute/router:Router", "network-router"
    yield "gcp:compute/routerNat:RouterNat", "network-nat"
    yield "gcp:compute/firewall:Firewall", "network-checks"
    yield "gcp:compute/firewall:Firewall", "network-proxy"
    yield "gcp:dns/managedZone:ManagedZone", "network-apis"
    yield "gcp:dns/recordSet:RecordSet", "network-private-api"
    yield "gcp:dns/recordSet:RecordSet", "network-every-api"


def _identity(identity: IdentityPlan) -> Named:
    if identity.account_id:
        yield "gcp:serviceaccount/account:Account", f"{identity.key}-account"
    agent = identity.key.startswith("agent-")
    for grant in identity.grants:
        yield GRANTS[grant.on], f"encryption-{identity.key}-{grant.key}" if agent else f"{identity.key}-roles-{grant.key}"


def _cluster(planned: ClusterPlan) -> Named:
    plan = planned.gcp_plan
    yield "pulumi:providers:gcp", "gcp"
    yield "pulumi:providers:kubernetes", "kubernetes"
    yield "gcp:kms/keyRing:KeyRing", "encryption-kms"
    yield "gcp:kms/cryptoKey:CryptoKey", "encryption-key"
    yield "gcp:container/cluster:Cluster", "cluster"
    for api in plan.apis:
        yield "gcp:projects/service:Service", api
    for agent in plan.service_agents:
        yield "gcp:projects/serviceIdentity:ServiceIdentity", agent.key
    for pool in plan.node_pools:
        yield "gcp:container/nodePool:NodePool", f"{pool.name}-group"
    for identity in plan.identities:
        yield from _identity(identity)


def _storage(planned: ClusterPlan) -> Named:
    plan = planned.gcp_plan
    yield "gcp:storage/bucket:Bucket", "models-bucket"
    for zone in plan.bucket.cached_zones:
        yield "gcp:storage/anywhereCache:AnywhereCache", f"models-cache-{zone}"
    for secret in plan.secrets:
        yield "gcp:secretmanager/secret:Secret", f"{secret.key}-secret"
    if plan.image_mirror:
        yield "gcp:artifactregistry/repository:Repository", "images-repository"


def test_each_region_holds_exactly_what_its_plan_calls_for(fleet: Recorded) -> None:
    for planned in fleet.clusters:
        made: defaultdict[str, list[str]] = defaultdict(list)
        for each in fleet.made("gcp:", "pulumi:providers:", cluster=planned.name):
            made[each.type].append(each.name)
        wanted: defaultdict[str, list[str]] = defaultdict(list)
        for kind, ending in (*_network(), *_cluster(planned), *_storage(planned)):
            wanted[kind].append(f"{planned.name}-{ending}")
        assert {kind: len(names) for kind, names in made.items()} == {kind: len(names) for kind, names in wanted.items()}, "how many"
        assert {kind: sorted(names) for kind, names in made.items()} == {kind: sorted(names) for kind, names in wanted.items()}, (
            "named by keys, never by a place in a list"
        )


@pytest.mark.parametrize("stack", ["prod", "staging"])
def test_the_shipped_fleets_have_one_whole_region_of_google(stack: str) -> None:
    fleet = recorded(stack)
    count = Counter(each.type for each in fleet.graph.resources.values())
    whole = ("gcp:container/cluster:Cluster", "gcp:compute/network:Network", "gcp:storage/bucket:Bucket", "gcp:compute/routerNat:RouterNat")
    assert [count[kind] for kind in whole] == [1, 1, 1, 1], "beside the regions of AWS"
    (planned,) = fleet.clusters
    assert {pool.pool for pool in planned.gcp_plan.node_pools} == {None, *(pool.name for pool in planned.pools)}, "machines for every model"


def test_a_name_is_fixed_only_where_somebody_looks_for_it(fleet: Recorded) -> None:
    fields = {"name", *FIXED.values()}
    named = [each for each in fleet.made("gcp:") if fields & set(each.inputs) and "Member" not in each.type]
    assert {each.type for each in named} <= set(FIXED), "a fixed name meets itself when its resource is replaced"
    within = {"gcp:container/nodePool:NodePool", "gcp:dns/recordSet:RecordSet"}
    taken = Counter((each.type, each.inputs[FIXED[each.type]], fleet.graph.region(each) if each.type in within else "") for each in named)
    assert max(taken.values()) == 1, "two regions in one project never meet"
    for planned in fleet.clusters:
        cluster = fleet.the("gcp:container/cluster:Cluster", planned.name)
        assert cluster.inputs["name"] == planned.gcp_plan.control_plane.name, "with the hash of what replaces it"


def test_outputs_say_which_cluster_it_is_and_hold_no_way_in(fleet: Recorded) -> None:
    found = {cluster["name"]: cluster for cluster in fleet.graph.outputs["clusters"]}
    for planned in fleet.clusters:
        assert found[planned.name]["kubernetes_cluster"] == planned.gcp_plan.control_plane.name, "for `gcloud container clusters get-credentials`"
        assert found[planned.name]["region"] == planned.region, "likewise"
    assert "gke.example.com" not in str(fleet.graph.outputs), "no kubeconfig and no address of an API server"
