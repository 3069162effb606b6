"""The simulated projects make, change and delete only what Google would, in the order that Google wants. Not one call of Google is made."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.support.stand_in_cloud.operations import Refused
from tests.support.stand_in_gcp.samples import KEY, PROJECT, Region, agent, machines, pod

pytestmark = pytest.mark.engine


def _refused(action: Callable[[], object]) -> str:
    with pytest.raises(Refused) as caught:
        action()
    return str(caught.value)


def test_what_is_named_has_to_exist() -> None:
    region = Region()
    assert "networks/sample' was not found" in _refused(lambda: region.make("Subnetwork")), "no subnetwork without its network"
    assert "Not found: projects/acme-test" in _refused(lambda: region.make("NodePool")), "no pool without its cluster"
    assert "KeyRing" in _refused(lambda: region.make("CryptoKey")), "no key without its ring"
    assert "specified bucket does not exist" in _refused(lambda: region.make("BucketIAMMember")), "no role on a bucket that is not there"
    assert "named 'sample' does not exist" in _refused(lambda: region.make("RecordSet")), "no record without its zone"


def test_a_service_that_is_off_has_nothing_until_it_is_switched_on() -> None:
    region = Region()
    region.projects.switched_off.add("compute.googleapis.com")
    assert "has not been used in project acme-test" in _refused(lambda: region.make("Network")), "a new project has nothing switched on"
    service = region.make("Service")
    assert region.make("Network"), "then it has"
    region.delete("Service", service)
    assert region.make("Network", "other"), "left on, for others may use it"


def test_ranges_lie_beside_each_other_and_a_cluster_takes_those_of_its_subnetwork() -> None:
    region = Region()
    network, _ = region.network()
    inside = {"network": network, "ipCidrRange": "10.64.64.0/24", "secondaryIpRanges": None}
    assert "conflicts with existing subnetwork" in _refused(lambda: region.make("Subnetwork", "other", **inside)), "in the first one's range of pods"
    proxies = {"network": network, "purpose": "REGIONAL_MANAGED_PROXY", "role": "ACTIVE", "secondaryIpRanges": None, "logConfig": None}
    region.make("Subnetwork", "proxies", **proxies, ipCidrRange="10.64.32.0/23")
    assert "active subnetwork for proxies" in _refused(lambda: region.make("Subnetwork", "more", **proxies, ipCidrRange="10.64.34.0/23")), "one each"
    region.key("container-engine-robot")
    wrong = {"clusterSecondaryRangeName": "pots", "servicesSecondaryRangeName": "services"}
    assert 'range "pots" does not exist' in _refused(lambda: region.make("Cluster", ipAllocationPolicy=wrong)), "by their names"
    assert region.make("Cluster"), "and by the right ones it is made"


def test_a_key_is_used_only_by_an_agent_that_was_given_it_and_where_it_lies() -> None:
    region = Region()
    region.network()
    region.key("compute-system")
    assert "useToEncrypt' denied" in _refused(lambda: region.make("Cluster")), "GKE's agent has no role on it"
    assert "gs-project-accounts" in _refused(lambda: region.make("Bucket")), "nor has Cloud Storage's"
    region.make("CryptoKeyIAMMember", "container", member=agent("container-engine-robot"))
    assert region.make("Cluster"), "then it has"
    assert region.make("NodePool", **machines(bootDiskKmsKey=KEY)), "disks of machines are Compute Engine's"
    region.make("CryptoKeyIAMMember", "storage", member=agent("gs-project-accounts"))
    assert "not in the location us-east4" in _refused(lambda: region.make("Bucket", location="us-east4")), "a key works in its own region"


def test_whoever_gets_a_role_exists() -> None:
    region = Region()
    region.key()
    secrets = {"member": agent("gcp-sa-secretmanager")}
    assert "does not exist" in _refused(lambda: region.make("CryptoKeyIAMMember", **secrets)), "an agent is there only when it was asked for"
    assert region.state("ServiceIdentity", region.make("ServiceIdentity"))["member"] == agent("gcp-sa-secretmanager"), "its email tells the number"
    assert region.make("CryptoKeyIAMMember", **secrets), "then it may be given the key"
    region.projects.agents.discard("gs-project-accounts")
    storage = {"member": agent("gs-project-accounts")}
    assert "does not exist" in _refused(lambda: region.make("CryptoKeyIAMMember", **storage)), "in a project that never had a bucket with a key"
    nodes = {"member": f"serviceAccount:acme-test-us-nodes@{PROJECT}.iam.gserviceaccount.com"}
    assert "does not exist" in _refused(lambda: region.make("IAMMember", **nodes)), "a role comes after its account"
    region.make("Account")
    assert region.make("IAMMember", **nodes), "not before"


def test_a_pod_gets_a_role_once_its_project_has_a_pool_of_identities() -> None:
    region = Region()
    region.projects.identity_pools = False
    assert "Identity Pool does not exist (acme-test.svc.id.goog)" in _refused(lambda: region.make("IAMMember")), "no cluster has made it yet"
    region.cluster()
    assert region.make("IAMMember"), "the first cluster did"
    foreign = pod("vllm", "model-server", number="123456789012")
    assert "Identity Pool does not exist" in _refused(lambda: region.make("IAMMember", member=foreign)), "the number is of the pool's own project"


def test_machines_run_as_an_account_that_exists() -> None:
    region = Region()
    region.cluster()
    email = f"acme-test-us-nodes@{PROJECT}.iam.gserviceaccount.com"
    assert f'"{email}" does not exist' in _refused(lambda: region.make("NodePool", **machines(serviceAccount=email))), "they could not start"
    account = region.make("Account")
    region.make("NodePool", **machines(serviceAccount=email))
    assert "still what machines" in _refused(lambda: region.delete("Account", account)), "and could not go on without it"


def test_a_pool_of_gpus_gets_gke_s_own_taint_and_labels() -> None:
    region = Region()
    region.cluster()
    state = region.state("NodePool", region.make("NodePool"))["nodeConfig"]
    assert [taint["key"] for taint in state["effectiveTaints"]] == ["workload", "nvidia.com/gpu"], "the pool's own and GKE's"
    assert state["resourceLabels"] == {"team": "one", "goog-gke-accelerator-type": "nvidia-l4", "goog-gke-node-pool-provisioning-model": "on-demand"}
    changed = region.update(
        "NodePool", "projects/acme-test/locations/us-central1/clusters/acme-test-us/nodePools/l4-od-0123456", **machines(taints=[])
    )
    assert [taint["key"] for taint in changed["nodeConfig"]["effectiveTaints"]] == ["nvidia.com/gpu"], "also after a change"


def test_a_name_is_had_once_and_those_of_keys_for_ever() -> None:
    region = Region()
    region.cluster()
    assert "Already exists: projects/acme-test/locations/us-central1/clusters/acme-test-us" in _refused(lambda: region.make("Cluster")), (
        "a fixed name"
    )
    region.make("Secret", replication={"auto": {}})
    assert "already exists" in _refused(lambda: region.make("Secret", replication={"auto": {}})), "a secret's too"
    free = Region()
    ring = free.make("KeyRing", name="sample")
    key = free.make("CryptoKey", name="sample", keyRing=ring)
    free.delete("CryptoKey", key)
    free.delete("KeyRing", ring)
    assert "already exists" in _refused(lambda: free.make("KeyRing", name="sample")), "Google never forgets a ring"
    assert len(free.projects.scheduled) == 2, "and only schedules a key"


def test_a_network_goes_last() -> None:
    region = Region()
    cluster = region.cluster()
    network, subnetwork = f"projects/{PROJECT}/global/networks/sample", f"projects/{PROJECT}/regions/us-central1/subnetworks/sample"
    assert f"already being used by '{cluster}'" in _refused(lambda: region.delete("Subnetwork", subnetwork)), "a cluster is in it"
    region.delete("Cluster", cluster)
    assert not region.projects.implicit, "its firewall rules go with it"
    assert "is already being used by" in _refused(lambda: region.delete("Network", network)), "a subnetwork is in it"
    region.delete("Subnetwork", subnetwork)
    region.projects.leave_endpoint_group(network, "us-central1-a")
    assert "networkEndpointGroups/k8s1-left-behind" in _refused(lambda: region.delete("Network", network)), "what a gateway left behind holds it"
    region.projects.implicit.clear()
    region.delete("Network", network)


def test_what_is_protected_stays_in_the_provider_s_words() -> None:
    region = Region()
    region.network()
    region.key("container-engine-robot")
    cluster = region.make("Cluster", deletionProtection=True)
    assert "deletion_protection is set to true" in _refused(lambda: region.delete("Cluster", cluster)), "a cluster by its own setting"
    region.update("Cluster", cluster, deletionProtection=False, deletionPolicy="PREVENT")
    assert f'cannot destroy "{cluster}" without setting deletion_policy' in _refused(lambda: region.delete("Cluster", cluster)), "or by its policy"
    network = region.make("Network", "kept", deletionPolicy="PREVENT")
    assert "cannot destroy ComputeNetwork without setting" in _refused(lambda: region.delete("Network", network)), "a network likewise"
    secret = region.make("Secret", replication={"auto": {}}, deletionProtection=True)
    assert "without setting deletion_protection=false" in _refused(lambda: region.delete("Secret", secret)), "and a secret"


def test_a_bucket_with_weights_in_it_stays_unless_it_may_go_with_them() -> None:
    region = Region()
    region.key("gs-project-accounts")
    bucket = region.make("Bucket", name="acme-weights")
    region.make("BucketIAMMember", bucket="acme-weights")
    region.projects.full_buckets.add("acme-weights")
    assert "without `force_destroy` set to true" in _refused(lambda: region.delete("Bucket", bucket)), "the provider empties it only when it may"
    region.update("Bucket", bucket, forceDestroy=True)
    region.delete("Bucket", bucket)
    assert not [key for key in region.projects.objects if key[1] == "BucketIAMMember"], "roles on it go with it"


def test_a_key_and_its_roles_outlive_what_is_encrypted_with_it() -> None:
    region = Region()
    cluster = region.cluster()
    assert "is encrypted with" in _refused(lambda: region.delete("CryptoKey", KEY)), "nothing could be read any more"
    role = next(key[2] for key in region.projects.objects if key[1] == "CryptoKeyIAMMember" and "container-engine-robot" in key[2])
    assert "still has to read Cluster" in _refused(lambda: region.delete("CryptoKeyIAMMember", role)), "nor by its agent"
    region.delete("Cluster", cluster)
    region.delete("CryptoKeyIAMMember", role)
    region.delete("CryptoKey", KEY)


def test_a_zone_with_records_stays() -> None:
    region = Region()
    region.network()
    zone = region.make("ManagedZone", name="sample")
    record = region.make("RecordSet")
    assert "contains one or more 'resource records'" in _refused(lambda: region.delete("ManagedZone", zone)), "records go first"
    assert "is not in googleapis.com." in _refused(lambda: region.make("RecordSet", name="example.com.")), "and lie in their zone"
    region.delete("RecordSet", record)
    region.delete("ManagedZone", zone)
