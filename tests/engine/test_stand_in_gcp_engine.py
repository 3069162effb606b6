"""The stand-in for Google under the real engine: two regions from nothing to nothing, and what happens when an answer is lost."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pulumi
import pytest
from pulumi import automation
from pulumi_gcp import Provider, compute, container, kms, organizations, projects, secretmanager, serviceaccount

from tests.support.stand_in_cloud.catalogue import inputs_class, resource_class
from tests.support.stand_in_cloud.stack import InlineStack
from tests.support.stand_in_gcp import StandInGcp, number_of, outputs
from tests.support.stand_in_gcp.samples import BY_TITLE, KEY_ROLE, PROJECT
from tests.support.stand_in_provider_sdk import known_inputs
from tests.support.stand_in_provider_wire import UNKNOWN

pytestmark = pytest.mark.engine

REGIONS = ("us-east4", "us-central1")
RESOURCES = 8
"""Of one region, without its provider."""


class Program:
    """Two regions, each with a cluster and one node pool. The attributes are what a test changes."""

    def __init__(self) -> None:
        self.max_nodes = 4
        self.spot = False
        self.protected = False
        self.team = "one"

    def __call__(self) -> None:
        for region in REGIONS:
            self._region(region)

    def _region(self, region: str) -> None:
        provider = Provider(region, project=PROJECT, region=region, default_labels={"team": self.team}, add_pulumi_attribution_label=False)
        google = pulumi.ResourceOptions(provider=provider)
        network = compute.Network(f"{region}-network", auto_create_subnetworks=False, opts=google)
        subnetwork = compute.Subnetwork(
            f"{region}-nodes",
            network=network.id,
            region=region,
            ip_cidr_range="10.0.0.0/20",
            secondary_ip_ranges=[
                compute.SubnetworkSecondaryIpRangeArgs(range_name="pods", ip_cidr_range="10.0.64.0/18"),
                compute.SubnetworkSecondaryIpRangeArgs(range_name="services", ip_cidr_range="10.0.16.0/20"),
            ],
            opts=google,
        )
        account = serviceaccount.Account(f"{region}-nodes", account_id=f"nodes-{region}", opts=google)
        cluster = self._cluster(region, network, subnetwork, self._key(region, google), google)
        self._pool(region, cluster, account, google)
        pulumi.export(f"{region}-endpoint", cluster.control_plane_endpoints_config.dns_endpoint_config.endpoint)
        pulumi.export(f"{region}-labels", cluster.effective_labels)

    def _key(self, region: str, google: pulumi.ResourceOptions) -> pulumi.Output[str]:
        ring = kms.KeyRing(f"{region}-ring", location=region, opts=google)
        key = kms.CryptoKey(f"{region}-key", key_ring=ring.id, opts=google)
        member = f"serviceAccount:service-{number_of(PROJECT)}@container-engine-robot.iam.gserviceaccount.com"
        role = kms.CryptoKeyIAMMember(f"{region}-key-role", crypto_key_id=key.id, role=KEY_ROLE, member=member, opts=google)
        return role.crypto_key_id

    def _cluster(
        self, region: str, network: compute.Network, subnetwork: compute.Subnetwork, key: pulumi.Output[str], google: pulumi.ResourceOptions
    ) -> container.Cluster:
        return container.Cluster(
            f"{region}-cluster",
            name=f"fleet-{region}",
            location=region,
            network=network.id,
            subnetwork=subnetwork.id,
            ip_allocation_policy=container.ClusterIpAllocationPolicyArgs(
                cluster_secondary_range_name="pods", services_secondary_range_name="services"
            ),
            database_encryption=container.ClusterDatabaseEncryptionArgs(state="ENCRYPTED", key_name=key),
            control_plane_endpoints_config=container.ClusterControlPlaneEndpointsConfigArgs(
                dns_endpoint_config=container.ClusterControlPlaneEndpointsConfigDnsEndpointConfigArgs(allow_external_traffic=True)
            ),
            remove_default_node_pool=True,
            initial_node_count=1,
            deletion_protection=self.protected,
            opts=google,
        )

    def _pool(self, region: str, cluster: container.Cluster, account: serviceaccount.Account, google: pulumi.ResourceOptions) -> None:
        container.NodePool(
            f"{region}-pool",
            name=f"l4-{'spot' if self.spot else 'od'}",
            cluster=cluster.id,
            location=region,
            initial_node_count=0,
            autoscaling=container.NodePoolAutoscalingArgs(total_min_node_count=0, total_max_node_count=self.max_nodes),
            node_config=container.NodePoolNodeConfigArgs(
                machine_type="g2-standard-8",
                guest_accelerators=[
                    container.NodePoolNodeConfigGuestAcceleratorArgs(
                        type="nvidia-l4",
                        count=1,
                        gpu_driver_installation_config=container.NodePoolNodeConfigGuestAcceleratorGpuDriverInstallationConfigArgs(
                            gpu_driver_version="LATEST"
                        ),
                    )
                ],
                service_account=account.email,
                spot=self.spot,
                resource_labels={"team": self.team},
            ),
            opts=pulumi.ResourceOptions.merge(google, pulumi.ResourceOptions(delete_before_replace=False)),
        )


@pytest.fixture
def provider() -> Iterator[StandInGcp]:
    found = StandInGcp()
    yield found
    found.die()


def test_two_regions_live_from_nothing_to_nothing(tmp_path: Path, provider: StandInGcp) -> None:
    program = Program()
    provider.control_planes["fleet-us-east"] = "127.0.0.1:6443"
    stack = InlineStack(tmp_path / "stack", provider, program)

    text = stack.preview()
    assert len(provider.previewed) == 2 * RESOURCES, f"everything is new: {provider.previewed}"
    assert not provider.objects, "a preview makes nothing"
    assert "us-east4-endpoint" in text, "what the program hands out is there"
    assert "[unknown]" in text, "and what Google will say is not known"

    said = stack.up()
    assert said["us-east4-endpoint"] == "127.0.0.1:6443", "a cluster may be a real API server"
    assert said["us-central1-endpoint"].endswith(".us-central1.gke.invalid"), "or none at all"
    assert said["us-east4-labels"] == {"team": "one"}, "the provider's labels are on everything"
    assert {key[0] for key in provider.objects if key[1] == "Cluster"} == set(REGIONS), "each provider makes things in its region"
    _what_google_says_is_unknown_at_preview(provider)

    stack.up()
    assert set(stack.summary) == {"same"}, f"made once, nothing is left to do: {stack.summary}"
    assert set(stack.refresh()) <= {"same", "update"}, "labels that GKE wrote are read"
    stack.up()
    assert set(stack.summary) == {"same"}, f"and are GKE's: {stack.summary}"

    program.max_nodes, program.protected, program.team = 8, True, "two"
    stack.up()
    order = [change.kind for change in provider.log if change.region == "us-east4"]
    assert sorted(order) == ["Cluster", "CryptoKey", "NodePool"], f"what has labels or changed, and nothing else: {order}"
    pool = next(state for key, state in provider.objects.items() if key[:2] == ("us-east4", "NodePool"))
    assert pool["autoscaling"]["totalMaxNodeCount"] == 8, "in place"
    program.spot = True
    stack.up()
    pools = [change.operation for change in provider.log if change.region == "us-east4"]
    assert pools == ["create", "delete"], "the new pool is there before the old one goes"

    with pytest.raises(automation.CommandError, match="deletion_protection is set to true"):
        stack.destroy()
    program.protected = False
    stack.up()
    stack.destroy()
    assert not provider.objects, "deleted in an order that Google takes"
    assert not provider.projects.implicit, "with what Google made beside it"
    assert {key[1] for key in provider.projects.scheduled} == {"KeyRing", "CryptoKey"}, "keys stay, as Google keeps them"
    assert not provider.invoked, "nothing was looked up"


def _what_google_says_is_unknown_at_preview(provider: StandInGcp) -> None:
    for (_, title, _), state in provider.objects.items():
        kind = BY_TITLE[title]
        foreseen = outputs.foreseen(kind, {}, resource_class(kind.token))
        known = {"effectiveLabels", "pulumiLabels", "project", "region", *known_inputs(inputs_class(kind.token))}
        assert {name for name in set(state) - known if foreseen.get(name) != UNKNOWN} == set(), (
            f"{title}: else a preview would know more than Google has said"
        )


def _google() -> pulumi.ResourceOptions:
    return pulumi.ResourceOptions(provider=Provider("central", project=PROJECT, region="us-central1"))


def _network_and_secret() -> None:
    google = _google()
    network = compute.Network("network", auto_create_subnetworks=False, opts=google)
    replication = secretmanager.SecretReplicationArgs(auto=secretmanager.SecretReplicationAutoArgs())
    secretmanager.Secret("secret", secret_id="hub", replication=replication, annotations={"network": network.name}, opts=google)


def _looks_up() -> None:
    organizations.get_project(opts=pulumi.InvokeOptions(provider=Provider("central", project=PROJECT, region="us-central1")))


def _two_switch_on_the_same() -> None:
    google = _google()
    for name in ("one", "two"):
        projects.Service(name, service="compute.googleapis.com", disable_on_destroy=False, opts=google)


def test_a_lost_answer_leaves_something_behind_that_the_next_run_meets(tmp_path: Path, provider: StandInGcp) -> None:
    stack = InlineStack(tmp_path / "stack", provider, _network_and_secret)
    provider.throttle("create", matching="Network")
    lost = provider.lose("create", matching="Secret")
    assert "the connection broke before the answer" in stack.refused(), "the engine is told so"
    assert lost.urn.endswith("::secret"), "and the test knows which it was"
    assert provider.throttled == 3, "the provider tries again by itself"
    assert sorted(key[1] for key in provider.objects) == ["Network", "Secret"], "it was made all the same"
    assert "Secret [projects/acme-test/secrets/hub] already exists" in stack.refused(), "a fixed name is taken"
    assert not provider.duplicates(), "so nothing is there twice"

    del provider.objects["global", "Secret", f"projects/{PROJECT}/secrets/hub"]
    provider.fail("create", message="googleapi: Error 403: Permission denied", matching="Secret")
    assert "Permission denied" in stack.refused(), "Google's words reach a person"
    stack.up()
    assert stack.summary == {"same": 3, "create": 1}, f"the next run goes on: {stack.summary}"


def test_a_made_name_hides_what_a_lost_answer_left_behind(tmp_path: Path, provider: StandInGcp) -> None:
    stack = InlineStack(tmp_path / "stack", provider, _network_and_secret)
    provider.lose("create", matching="Network")
    stack.refused()
    provider.throttle("create", times=10, matching="Secret", gives_up=True)
    assert "rateLimitExceeded" in stack.refused(), "a provider does not try for ever"
    stack.up()
    (group,) = provider.duplicates()
    assert [change.kind for change in group] == ["Network", "Network"], "Google sees no conflict, and one of them is nobody's"


def test_a_service_that_two_regions_switch_on_stays_on_for_the_one_that_is_left(tmp_path: Path, provider: StandInGcp) -> None:
    stack = InlineStack(tmp_path / "stack", provider, _two_switch_on_the_same)
    stack.up()

    def one() -> None:
        projects.Service("one", service="compute.googleapis.com", disable_on_destroy=False, opts=_google())

    stack.program = one
    stack.up()
    assert stack.summary["delete"] == 1, "the second region has gone"
    assert set(stack.refresh()) == {"same"}, "and the first one finds what it switched on"


def test_what_must_not_happen_fails(tmp_path: Path, provider: StandInGcp) -> None:
    stack = InlineStack(tmp_path / "stack", provider, _looks_up)
    assert "nothing may be looked up while the graph is made" in stack.refused(), "a plan must not depend on what happens to exist"
    assert provider.invoked == ["gcp:organizations/getProject:getProject"], "and the test knows what was asked for"
    assert not provider.objects, "nothing was made"
