"""A region of Google Cloud, made whole: what it is built from, in the order in which it can be made and taken away."""

from __future__ import annotations

from collections.abc import Mapping

import pulumi
import pulumi_kubernetes as kubernetes
from pulumi_gcp import container, projects

from components.gcp.encryption import Encryption, EncryptionArgs
from components.gcp.identity import Granted, Identity, PodIdentity
from components.gcp.images import ImageMirror, ImageMirrorArgs
from components.gcp.kubeconfig import kubeconfig
from components.gcp.network import Network, NetworkArgs
from components.gcp.nodes import SCOPE, Nodes, NodesArgs
from components.gcp.provider import region_provider, verify
from components.gcp.secrets import SecretArgs, SecretContainer
from components.gcp.storage import BucketArgs, ModelBucket
from components.handle import ClusterHandle
from fleet.fleet_plan import ClusterPlan
from fleet.gcp.plan import ControlPlanePlan

__all__ = ["Cluster", "build", "connect", "providers", "verify"]

AGENT = "agent-"
"""How keys of identities begin that are services of Google: they get the region's key, before all else that uses it."""

MACHINES = "nodes"
"""Key of the machines' own account."""

TELLING_AGENT = "secretmanager"
"""The service whose agent's name tells the project's number."""


class Cluster(pulumi.ComponentResource):
    """Network, key, control plane, machines, identities and storage of one region."""

    def __init__(self, plan: ClusterPlan, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("fleet:gcp:Cluster", plan.name, None, opts)
        self._plan, self._decided, self._child = plan, plan.gcp_plan, pulumi.ResourceOptions(parent=self)
        decided = self._decided
        self.made: dict[str, pulumi.Input[str]] = {}
        self._identities = {identity.key: identity for identity in decided.identities}
        self._switched_on = self._services()
        self._served = pulumi.ResourceOptions(parent=self, depends_on=self._switched_on)
        self._project_number()
        self._network()
        self._encryption()
        self._storage()
        machines = Identity(f"{plan.name}-{MACHINES}", self._identities[MACHINES], self._served)
        self.made["node_identity"] = machines.email
        # Machines that may not write a log or fetch an image are there and of no use.
        allowed = self._roles(MACHINES, self._child).given(machines.email)
        self._gke = self._control_plane(decided.control_plane, allowed)
        pods = self._workloads()
        nodes = self._nodes(allowed)
        self.ready = (*nodes, *pods)
        self.provider = kubernetes.Provider(
            f"{plan.name}-kubernetes",
            kubeconfig=kubeconfig(decided.control_plane.name, self._gke),
            cluster_identifier=plan.identifier,
            enable_server_side_apply=True,
            enable_config_map_mutable=True,
            opts=pulumi.ResourceOptions(parent=self, depends_on=[self._gke]),
        )
        self.register_outputs({})

    def _services(self) -> list[pulumi.Resource]:
        """Switched on for the region, and left on after it: others in the project may use them."""
        return [
            projects.Service(
                f"{self._plan.name}-{api}",
                service=api,
                disable_on_destroy=False,
                opts=self._child,
            )
            for api in self._decided.apis
        ]

    def _project_number(self) -> None:
        """From the name of an agent that has to exist anyway, so nothing has to be looked up."""
        self._agents = {
            agent.key: projects.ServiceIdentity(f"{self._plan.name}-{agent.key}", service=agent.service, opts=self._served)
            for agent in self._decided.service_agents
        }
        self.made["project_number"] = self._agents[TELLING_AGENT].email.apply(_number)

    def _network(self) -> None:
        args = NetworkArgs(
            plan=self._decided.network,
            ranges=self._decided.control_plane,
            region=self._plan.region,
            title=self._decided.control_plane.name,
            protect=self._decided.guarded,
            deletion_policy=self._decided.deletion_policy,
        )
        self.network = Network(f"{self._plan.name}-network", args, self._served)
        self.made["network_name"] = self.network.name

    def _encryption(self) -> None:
        args = EncryptionArgs(
            plan=self._decided.key,
            project=self._decided.project,
            region=self._plan.region,
            users=tuple(identity for key, identity in self._identities.items() if key.startswith(AGENT)),
            made=self.made,
            guarded=self._decided.guarded,
            deletion_policy=self._decided.deletion_policy,
        )
        options = pulumi.ResourceOptions(parent=self, depends_on=[*self._switched_on, *self._agents.values()])
        self.encryption = Encryption(f"{self._plan.name}-encryption", args, options)
        self.made["key_id"] = self.encryption.key_id

    def _storage(self) -> None:
        decided, name, key_id = self._decided, self._plan.name, self.encryption.key_id
        bucket = ModelBucket(
            f"{name}-models",
            BucketArgs(
                plan=decided.bucket,
                region=self._plan.region,
                key_id=key_id,
                guarded=decided.guarded,
                deletion_policy=decided.deletion_policy,
            ),
            self._child,
        )
        self.made["bucket_name"] = bucket.bucket_name
        self._secrets = {
            secret.key: SecretContainer(
                f"{name}-{secret.key}",
                SecretArgs(plan=secret, key_id=key_id),
                # One with copies is not under the key, which would wait for the services.
                self._served,
            ).secret_id
            for secret in decided.secrets
        }
        self._repository = self._images()

    def _images(self) -> pulumi.Output[str] | None:
        plan = self._decided.image_mirror
        if plan is None:
            return None
        args = ImageMirrorArgs(plan=plan, region=self._plan.region, key_id=self.encryption.key_id)
        return ImageMirror(f"{self._plan.name}-images", args, self._child).repository

    def _workloads(self) -> list[pulumi.Resource]:
        """Google knows the project's pool of pods' identities from its first cluster on, and refuses roles for what it does not know."""
        options = pulumi.ResourceOptions(parent=self, depends_on=[self._gke])
        return [self._roles(key, options) for key in self._identities if key != MACHINES and not key.startswith(AGENT)]

    def _roles(self, key: str, opts: pulumi.ResourceOptions) -> PodIdentity:
        granted = Granted(
            project=self._decided.project,
            region=self._plan.region,
            bucket=self.made["bucket_name"],
            repository=self._repository,
            secrets=self._secrets,
        )
        return PodIdentity(f"{self._plan.name}-{key}-roles", self._identities[key], self.made, granted, opts)

    def _control_plane(self, plan: ControlPlanePlan, service_account: pulumi.Input[str]) -> container.Cluster:
        decided = self._decided
        window = plan.maintenance
        return container.Cluster(
            f"{self._plan.name}-cluster",
            name=plan.name,
            location=self._plan.region,
            node_locations=list(plan.zones),
            network=self.network.network_id,
            subnetwork=self.network.subnet_id,
            networking_mode="VPC_NATIVE",
            datapath_provider="ADVANCED_DATAPATH",
            ip_allocation_policy=container.ClusterIpAllocationPolicyArgs(
                cluster_secondary_range_name=plan.pods_range, services_secondary_range_name=plan.services_range
            ),
            default_max_pods_per_node=plan.max_pods_per_node,
            private_cluster_config=container.ClusterPrivateClusterConfigArgs(enable_private_nodes=True),
            control_plane_endpoints_config=container.ClusterControlPlaneEndpointsConfigArgs(
                dns_endpoint_config=container.ClusterControlPlaneEndpointsConfigDnsEndpointConfigArgs(allow_external_traffic=plan.external_access),
                ip_endpoints_config=container.ClusterControlPlaneEndpointsConfigIpEndpointsConfigArgs(enabled=False),
            ),
            release_channel=container.ClusterReleaseChannelArgs(channel=plan.release_channel),
            maintenance_policy=container.ClusterMaintenancePolicyArgs(
                recurring_window=container.ClusterMaintenancePolicyRecurringWindowArgs(
                    start_time=window.start_time, end_time=window.end_time, recurrence=window.recurrence
                )
            ),
            workload_identity_config=container.ClusterWorkloadIdentityConfigArgs(workload_pool=plan.workload_pool),
            database_encryption=container.ClusterDatabaseEncryptionArgs(state="ENCRYPTED", key_name=self.encryption.key_id),
            addons_config=_add_ons(),
            # The gateway that serves models brings these definitions in a version of its own.
            gateway_api_config=container.ClusterGatewayApiConfigArgs(channel="CHANNEL_DISABLED"),
            cluster_autoscaling=container.ClusterClusterAutoscalingArgs(enabled=False, autoscaling_profile=plan.autoscaling_profile),
            logging_config=container.ClusterLoggingConfigArgs(enable_components=list(plan.log_components)),
            monitoring_config=container.ClusterMonitoringConfigArgs(
                enable_components=list(plan.metric_components),
                managed_prometheus=container.ClusterMonitoringConfigManagedPrometheusArgs(enabled=False),
            ),
            cost_management_config=container.ClusterCostManagementConfigArgs(enabled=True),
            enable_shielded_nodes=True,
            rbac_binding_config=container.ClusterRbacBindingConfigArgs(
                enable_insecure_binding_system_authenticated=False, enable_insecure_binding_system_unauthenticated=False
            ),
            resource_labels=dict(decided.labels),
            # GKE makes a first pool with every cluster. It goes at once, and until then its machines are nobody special.
            remove_default_node_pool=True,
            initial_node_count=1,
            node_config=_first_machines(service_account),
            deletion_protection=plan.deletion_protection,
            deletion_policy=decided.deletion_policy,
            opts=pulumi.ResourceOptions(
                parent=self,
                protect=decided.guarded,
                # A cluster that replaces another has another name, so both can exist.
                delete_before_replace=False,
                depends_on=[self.network],
                # Of the first pool, which is gone: what Google answers there afterwards is another pool's.
                ignore_changes=["initialNodeCount", "nodeConfig"],
            ),
        )

    def _nodes(self, service_account: pulumi.Input[str]) -> list[pulumi.Resource]:
        return [
            Nodes(
                f"{self._plan.name}-{pool.name}",
                NodesArgs(
                    plan=pool,
                    cluster=self._gke.id,
                    region=self._plan.region,
                    service_account=service_account,
                    key_id=self.encryption.key_id,
                    node_tag=self._decided.network.node_tag,
                    labels=self._decided.labels,
                ),
                # A machine needs its way out and its names of Google's services from its first second to its last.
                pulumi.ResourceOptions(parent=self, depends_on=[self.network]),
            )
            for pool in self._decided.node_pools
        ]


def _add_ons() -> container.ClusterAddonsConfigArgs:
    """Drivers of every kind of volume that a cache may have."""
    return container.ClusterAddonsConfigArgs(
        gce_persistent_disk_csi_driver_config=container.ClusterAddonsConfigGcePersistentDiskCsiDriverConfigArgs(enabled=True),
        gcs_fuse_csi_driver_config=container.ClusterAddonsConfigGcsFuseCsiDriverConfigArgs(enabled=True),
        gcp_filestore_csi_driver_config=container.ClusterAddonsConfigGcpFilestoreCsiDriverConfigArgs(enabled=True),
    )


def _first_machines(service_account: pulumi.Input[str]) -> container.ClusterNodeConfigArgs:
    return container.ClusterNodeConfigArgs(
        service_account=service_account,
        oauth_scopes=[SCOPE],
        shielded_instance_config=container.ClusterNodeConfigShieldedInstanceConfigArgs(enable_secure_boot=True, enable_integrity_monitoring=True),
        workload_metadata_config=container.ClusterNodeConfigWorkloadMetadataConfigArgs(mode="GKE_METADATA"),
    )


def _number(agent: str) -> str:
    return agent.partition("@")[0].removeprefix("service-")


def providers(plan: ClusterPlan, opts: pulumi.ResourceOptions | None = None) -> list[pulumi.ProviderResource]:
    """The Google provider of the cluster's project and region."""
    return [region_provider(plan, opts)]


def build(plan: ClusterPlan, opts: pulumi.ResourceOptions | None = None) -> ClusterHandle:
    """Create the region."""
    made = Cluster(plan, opts)
    return ClusterHandle(plan=plan, provider=made.provider, depends_on=made.ready, made=made.made, in_cluster=plan.gcp_plan.in_cluster)


def connect(handle: ClusterHandle, others: Mapping[str, ClusterHandle], opts: pulumi.ResourceOptions | None = None) -> None:
    """Nothing: no bucket of Google's is copied to another by this program. Each region's mirror asks the hub itself."""
