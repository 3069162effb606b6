"""What the engine refuses to delete, what it leaves to others, and what Google is asked to guard: exactly that, in prod and while it is wanted."""

from __future__ import annotations

import pytest

from fleet.fleet_plan import ClusterPlan
from tests.support.gcp_programs import FLEETS, recorded
from tests.support.recorded_fleet import Recorded

pytestmark = pytest.mark.mocks

CLUSTER, NODES, BUCKET = "gcp:container/cluster:Cluster", "gcp:container/nodePool:NodePool", "gcp:storage/bucket:Bucket"
KEY, NETWORK = "gcp:kms/cryptoKey:CryptoKey", "gcp:compute/network:Network"
GUARDED = (NETWORK, CLUSTER, KEY, BUCKET)
"""What cannot be made again as it was: addresses, the cluster's state, keys and data. File systems are made and guarded inside the cluster."""


@pytest.fixture(params=FLEETS)
def fleet(request: pytest.FixtureRequest) -> Recorded:
    return recorded(request.param)


def _kept(fleet: Recorded, cluster: ClusterPlan) -> bool:
    return fleet.plan.environment == "prod" and cluster.state == "active"


def test_in_prod_exactly_what_cannot_be_made_again_is_protected_until_its_cluster_retires(fleet: Recorded) -> None:
    for planned in fleet.clusters:
        protected = {each.urn for each in fleet.graph.resources.values() if each.protect and fleet.graph.region(each) == planned.name}
        expected = {fleet.the(kind, planned.name).urn for kind in GUARDED} if _kept(fleet, planned) else set()
        assert protected == expected, "more would jam later changes, less would lose data"


def test_the_google_provider_refuses_to_delete_what_the_engine_protects_and_nothing_else(fleet: Recorded) -> None:
    for planned in fleet.clusters:
        policies = {each.name: each.inputs["deletionPolicy"] for each in fleet.made("gcp:", cluster=planned.name) if "deletionPolicy" in each.inputs}
        expected = {fleet.the(kind, planned.name).name: "PREVENT" if _kept(fleet, planned) else "DELETE" for kind in GUARDED}
        assert policies == expected, "a second lock beside the engine's, which --target and a lost state go around"
        assert fleet.the(CLUSTER, planned.name).inputs["deletionProtection"] is _kept(fleet, planned), "and the cluster's own"


def test_a_retiring_region_beside_an_active_one_alone_loses_its_guards() -> None:
    fleet = recorded("everything")
    guards = {
        planned.name: (
            fleet.the(CLUSTER, planned.name).inputs["deletionProtection"],
            fleet.the(BUCKET, planned.name).inputs["forceDestroy"],
            any(each.protect for each in fleet.made("gcp:", cluster=planned.name)),
            "PREVENT" in str([each.inputs for each in fleet.made("gcp:", cluster=planned.name)]),
        )
        for planned in fleet.clusters
    }
    assert guards == {"one": (True, False, True, True), "two": (False, True, False, False)}, "the first of two steps, for one region"


def test_nothing_is_left_behind_but_what_google_never_forgets_and_what_others_may_use(fleet: Recorded) -> None:
    assert not [each.name for each in fleet.graph.resources.values() if each.retain_on_delete], "a destroy leaves no machine and no data"
    for each in fleet.made("gcp:projects/service:Service"):
        assert each.inputs["disableOnDestroy"] is False, f"{each.name}: somebody else in the project may use it"


def test_only_what_others_own_is_ignored(fleet: Recorded) -> None:
    labels = ("goog-gke-accelerator-type", "goog-gke-node-pool-provisioning-model")
    ignored = {
        CLUSTER: {"initialNodeCount", "nodeConfig"},  # of the first pool, which is gone
        NODES: {"initialNodeCount", *(f'nodeConfig.resourceLabels["{label}"]' for label in labels)},  # the autoscaler's and GKE's own
    }
    for each in fleet.made("gcp:", "pulumi:providers:gcp"):
        assert set(each.ignore_changes) == ignored.get(each.type, set()), f"{each.name}: what is ignored is never repaired"


def test_what_has_a_name_of_its_own_is_made_before_its_predecessor_goes(fleet: Recorded) -> None:
    for each in fleet.made("gcp:"):
        wanted = False if each.type in {CLUSTER, NODES} else None
        assert each.delete_before_replace is wanted, f"{each.name}: the SDK would delete whatever has a fixed name first, and all that runs on it"


def test_data_outlive_a_mistake_longest_where_they_matter(fleet: Recorded) -> None:
    days = 24 * 60 * 60
    for planned in fleet.clusters:
        prod = fleet.plan.environment == "prod"
        bucket, key = fleet.the(BUCKET, planned.name).inputs, fleet.the(KEY, planned.name).inputs
        assert bucket["forceDestroy"] is not _kept(fleet, planned), "a bucket with weights cannot be deleted"
        assert key["destroyScheduledDuration"] == f"{(30 if prod else 1) * days}s", "until a version of the key is really gone"
        assert (bucket["softDeletePolicy"]["retentionDurationSeconds"] > 0) is prod, "weights can be fetched from the hub once more, at a price"


def test_a_bucket_is_closed_versioned_and_encrypted_with_the_regions_key(fleet: Recorded) -> None:
    for planned in fleet.clusters:
        inputs = fleet.the(BUCKET, planned.name).inputs
        assert (inputs["uniformBucketLevelAccess"], inputs["publicAccessPrevention"]) == (True, "enforced"), "roles alone decide, and never for all"
        assert inputs["versioning"] == {"enabled": True}, "an overwritten file can be brought back"
        assert inputs["encryption"] == {"defaultKmsKeyName": f"{planned.name}-encryption-key-id"}, "unreadable without the key"
        actions = {rule["action"]["type"]: rule["condition"] for rule in inputs["lifecycleRules"]}
        assert set(actions) == {"Delete", "AbortIncompleteMultipartUpload"}, "what is old is not paid for for ever"
        assert actions["Delete"]["withState"] == "ARCHIVED", "and what is in use is never deleted"


def test_an_api_server_has_no_address_and_answers_outsiders_only_where_the_stack_file_says_so(fleet: Recorded) -> None:
    for planned in fleet.clusters:
        inputs = fleet.the(CLUSTER, planned.name).inputs
        endpoints = inputs["controlPlaneEndpointsConfig"]
        assert endpoints["ipEndpointsConfig"] == {"enabled": False}, "a name behind Google's own check of who calls, and nothing to scan"
        assert endpoints["dnsEndpointConfig"] == {"allowExternalTraffic": planned.gcp_plan.control_plane.external_access}, "runner: in_vpc or not"
        assert inputs["privateClusterConfig"] == {"enablePrivateNodes": True}, "machines have no address on the internet"
        assert set(inputs["rbacBindingConfig"].values()) == {False}, "nobody is let in for being anybody"
        assert inputs["databaseEncryption"] == {"state": "ENCRYPTED", "keyName": f"{planned.name}-encryption-key-id"}, "Secrets are sealed"
    assert recorded("inside").clusters[0].gcp_plan.control_plane.external_access is False, "in_vpc among them"


def test_google_sells_nothing_twice_that_the_fleet_brings_itself(fleet: Recorded) -> None:
    for planned in fleet.clusters:
        inputs = fleet.the(CLUSTER, planned.name).inputs
        assert inputs["monitoringConfig"]["managedPrometheus"] == {"enabled": False}, "samples would be paid for twice"
        assert inputs["gatewayApiConfig"] == {"channel": "CHANNEL_DISABLED"}, "the definitions come with the gateway"
        assert inputs["clusterAutoscaling"]["enabled"] is False, "no pool that is not in the state"
        assert {"APISERVER", "WORKLOADS", "SYSTEM_COMPONENTS"} <= set(inputs["loggingConfig"]["enableComponents"]), "logs that nobody else keeps"
