"""A region of AWS, made whole: what it is built from, in the order in which it can be made and taken away."""

from __future__ import annotations

from collections.abc import Mapping

import pulumi
import pulumi_kubernetes as kubernetes
from pulumi_aws import cloudwatch, eks

from components.aws.encryption import Encryption, EncryptionArgs
from components.aws.identity import Identity, PodIdentity, administrators
from components.aws.images import ImageMirror, ImageMirrorArgs
from components.aws.kubeconfig import kubeconfig
from components.aws.network import FlowLogArgs, Network, NetworkArgs
from components.aws.nodes import Nodes, NodesArgs
from components.aws.provider import region_provider, verify
from components.aws.secrets import SecretContainer
from components.aws.storage import BucketArgs, FileSystem, FileSystemArgs, ModelBucket, Replication, ReplicationArgs
from components.handle import ClusterHandle
from components.references import after, json_text
from fleet.aws.plan import AwsPlan, ControlPlanePlan, ManagedAddOnPlan
from fleet.fleet_plan import ClusterPlan

__all__ = ["Cluster", "build", "connect", "providers", "verify"]

SERVICE_ROLES = ("cluster", "nodes", "flow-logs", "image-mirror")
"""Roles that services of AWS take on, made before all else."""
ACROSS_REGIONS = ("replication",)
"""Roles that name things of other regions, made when all regions are there. All others are for pods inside the cluster."""


class Cluster(pulumi.ComponentResource):
    """Network, key, control plane, machines, add-ons, identities and storage of one region."""

    def __init__(self, plan: ClusterPlan, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("fleet:aws:Cluster", plan.name, None, opts)
        self._plan, self._decided, self._child = plan, plan.aws_plan, pulumi.ResourceOptions(parent=self)
        # What is named after the cluster gets another name with it, so the new one can be made while the old one serves.
        self._beside = pulumi.ResourceOptions(parent=self, delete_before_replace=False)
        self.made: dict[str, pulumi.Input[str]] = {}
        decided = self._decided
        self._roles = {role.key: role for role in decided.roles}
        self._network()
        self._control_plane_identity()
        self._eks = self._control_plane(decided.control_plane)
        self.made |= {"cluster_arn": self._eks.arn, "registry": self._registry()}
        access = self._access(decided.control_plane)
        self._storage()
        self._pods = self._workloads()
        before = [self._add_on(each, []) for each in decided.managed_add_ons if each.before_nodes]
        nodes = self._nodes([*before, *access])
        after = [self._add_on(each, nodes) for each in decided.managed_add_ons if not each.before_nodes]
        self.ready = (*nodes, *after, *self._pods.values())
        self.provider = kubernetes.Provider(
            f"{plan.name}-kubernetes",
            kubeconfig=kubeconfig(decided.control_plane.name, plan.region, self._eks),
            cluster_identifier=plan.identifier,
            enable_server_side_apply=True,
            enable_config_map_mutable=True,
            # Access comes before what uses it and goes after it: without, a destroy could not delete what is inside.
            opts=pulumi.ResourceOptions(parent=self, depends_on=[self._eks, *access]),
        )
        self.register_outputs({})

    @property
    def _title(self) -> str:
        return self._decided.control_plane.name

    def _network(self) -> None:
        args = NetworkArgs(plan=self._decided.network, region=self._plan.region, title=self._title, protect=self._decided.guarded)
        self.network = Network(f"{self._plan.name}-network", args, self._child)
        self.made |= {"vpc_id": self.network.vpc_id, "account": self.network.account}
        self.made |= {f"zone_name.{zone_id}": name for zone_id, name in self.network.zone_names.items()}

    def _control_plane_identity(self) -> None:
        """The key's policy may name the account alone, roles may name the key: so the key comes first."""
        args = EncryptionArgs(alias=self._title, statements=self._decided.key_statements, made=self.made, guarded=self._decided.guarded)
        self.encryption = Encryption(f"{self._plan.name}-encryption", args, self._child)
        self.made["key_arn"] = self.encryption.key_arn
        self._identities = {
            key: Identity(f"{self._plan.name}-{key}", self._roles[key], self.made, self._child) for key in SERVICE_ROLES if key in self._roles
        }
        self.made |= {f"role_arn.{key}": identity.arn for key, identity in self._identities.items()}
        group = self._decided.network.flow_log_group
        if group:
            self.network.record_flows(
                FlowLogArgs(
                    role_arn=self._identities["flow-logs"].arn,
                    key_arn=self.encryption.key_arn,
                    group=group,
                    retention_days=self._decided.network.log_retention_days,
                )
            )

    def _control_plane(self, plan: ControlPlanePlan) -> eks.Cluster:
        # Made before the cluster: EKS would make it itself, without an end to what it keeps and without our key.
        logs = cloudwatch.LogGroup(
            f"{self._plan.name}-control-plane-logs",
            name=plan.log_group,
            retention_in_days=plan.log_retention_days,
            kms_key_id=self.encryption.key_arn,
            opts=self._beside,
        )
        zones = tuple(zone.zone_id for zone in self._decided.network.zones if zone.control_plane)
        return eks.Cluster(
            f"{self._plan.name}-cluster",
            name=plan.name,
            version=plan.version,
            role_arn=self._identities["cluster"].arn,
            access_config=eks.ClusterAccessConfigArgs(
                authentication_mode="API", bootstrap_cluster_creator_admin_permissions=plan.creator_is_administrator
            ),
            bootstrap_self_managed_addons=False,
            vpc_config=eks.ClusterVpcConfigArgs(
                subnet_ids=self.network.subnet_ids(zones),
                endpoint_private_access=True,
                endpoint_public_access=not plan.private_only,
                public_access_cidrs=list(plan.public_cidrs) or None,
            ),
            kubernetes_network_config=eks.ClusterKubernetesNetworkConfigArgs(ip_family="ipv4", service_ipv4_cidr=plan.service_cidr),
            encryption_config=eks.ClusterEncryptionConfigArgs(
                provider=eks.ClusterEncryptionConfigProviderArgs(key_arn=self.encryption.key_arn), resources=["secrets"]
            ),
            enabled_cluster_log_types=list(plan.log_types),
            upgrade_policy=eks.ClusterUpgradePolicyArgs(support_type="STANDARD"),
            deletion_protection=plan.deletion_protection,
            zonal_shift_config=eks.ClusterZonalShiftConfigArgs(enabled=plan.zonal_shift),
            kube_scheduler_config=_bin_packing(plan),
            opts=pulumi.ResourceOptions(
                parent=self,
                protect=self._decided.guarded,
                delete_before_replace=False,
                depends_on=[logs, self.network, *self._identities.values()],
                # Said once, when the cluster is made: naming a deployer later must not replace it.
                ignore_changes=["accessConfig.bootstrapClusterCreatorAdminPermissions"],
            ),
        )

    def _access(self, plan: ControlPlanePlan) -> list[pulumi.Resource]:
        principals = [(arn.partition(":iam::")[2], arn) for arn in plan.administrators]
        return administrators(self._plan.name, self._eks.name, principals, self._child)

    def _storage(self) -> None:
        decided, name, key_arn = self._decided, self._plan.name, self.encryption.key_arn
        self.bucket = ModelBucket(
            f"{name}-models",
            BucketArgs(plan=decided.bucket, statements=decided.bucket_statements, made=self.made, key_arn=key_arn, guarded=decided.guarded),
            self._child,
        )
        self.made |= {"bucket_arn": self.bucket.arn, "bucket_name": self.bucket.bucket_name}
        if decided.file_system:
            files = FileSystem(
                f"{name}-shared",
                FileSystemArgs(
                    plan=decided.file_system,
                    statements=decided.file_system_statements,
                    made=self.made,
                    key_arn=key_arn,
                    vpc_id=self.network.vpc_id,
                    network_cidr=decided.network.cidr,
                    subnets=tuple((zone_id, subnet.id) for zone_id, subnet in self.network.private.items()),
                    title=self._title,
                    guarded=decided.guarded,
                ),
                self._child,
            )
            self.made |= {"file_system_id": files.file_system_id, "file_system_arn": files.arn}
        for secret in decided.secrets:
            self.made[f"secret_arn.{secret.key}"] = SecretContainer(f"{name}-{secret.key}", secret, key_arn, self._child).arn
        if decided.image_mirror:
            mirror = ImageMirror(
                f"{name}-images",
                ImageMirrorArgs(plan=decided.image_mirror, role_arn=self._identities["image-mirror"].arn, tags=decided.tags),
                self._child,
            )
            # An image that is asked for before the rule is there does not exist.
            self.made["registry"] = after(self._registry(), mirror.rule)

    def _workloads(self) -> dict[str, PodIdentity]:
        found: dict[str, PodIdentity] = {}
        for key, role in self._roles.items():
            if key in (*SERVICE_ROLES, *ACROSS_REGIONS):
                continue
            identity = PodIdentity(f"{self._plan.name}-{key}", role, self._eks.name, self.made, self._child)
            self.made[f"role_arn.{key}"] = identity.arn
            found[key] = identity
        return found

    def _nodes(self, needed: list[pulumi.Resource]) -> list[pulumi.Resource]:
        return [
            Nodes(
                f"{self._plan.name}-{group.name}",
                NodesArgs(
                    plan=group,
                    cluster=self._eks.name,
                    version=self._decided.control_plane.version,
                    role_arn=self._identities["nodes"].arn,
                    key_arn=self.encryption.key_arn,
                    subnet_ids=self.network.subnet_ids(group.zone_ids),
                    title=self._title,
                    tags=self._decided.tags,
                ),
                # A machine needs its way out, its role's policies and its network add-on from its first second to its last.
                pulumi.ResourceOptions(parent=self, depends_on=[self.network, self._identities["nodes"], *needed]),
            )
            for group in self._decided.node_groups
        ]

    def _add_on(self, plan: ManagedAddOnPlan, needed: list[pulumi.Resource]) -> eks.Addon:
        return eks.Addon(
            f"{self._plan.name}-{plan.name}",
            cluster_name=self._eks.name,
            addon_name=plan.name,
            addon_version=plan.version,
            configuration_values=json_text(plan.values, self.made) if plan.values else None,
            resolve_conflicts_on_create="OVERWRITE",
            resolve_conflicts_on_update="OVERWRITE",
            preserve=False,
            # Pods take the identity that is there when they start.
            opts=pulumi.ResourceOptions(parent=self, depends_on=[*needed, *([self._pods[plan.identity]] if plan.identity else [])]),
        )

    def _registry(self) -> pulumi.Output[str]:
        return pulumi.Output.concat(self.network.account, f".dkr.ecr.{self._plan.region}.amazonaws.com")


def _bin_packing(plan: ControlPlanePlan) -> eks.ClusterKubeSchedulerConfigArgs:
    resources = [
        eks.ClusterKubeSchedulerConfigNodeResourcesFitScoringStrategyResourceArgs(name=name, weight=weight)
        for name, weight in plan.scheduler_weights.items()
    ]
    strategy = eks.ClusterKubeSchedulerConfigNodeResourcesFitScoringStrategyArgs(type="MostAllocated", resources=resources)
    return eks.ClusterKubeSchedulerConfigArgs(node_resources_fit=eks.ClusterKubeSchedulerConfigNodeResourcesFitArgs(scoring_strategy=strategy))


def providers(plan: ClusterPlan, opts: pulumi.ResourceOptions | None = None) -> list[pulumi.ProviderResource]:
    """The AWS provider of the cluster's region."""
    return [region_provider(plan, opts)]


def build(plan: ClusterPlan, opts: pulumi.ResourceOptions | None = None) -> ClusterHandle:
    """Create the region."""
    made = Cluster(plan, opts)
    decided: AwsPlan = plan.aws_plan
    return ClusterHandle(plan=plan, provider=made.provider, depends_on=made.ready, made=made.made, in_cluster=decided.in_cluster)


def connect(handle: ClusterHandle, others: Mapping[str, ClusterHandle], opts: pulumi.ResourceOptions | None = None) -> None:
    """Copy this region's weights to the regions that the plan names."""
    decided: AwsPlan = handle.plan.aws_plan
    destinations = tuple((name, others[name].made["bucket_arn"], others[name].made["key_arn"]) for name in decided.bucket.replicate_to)
    if not destinations:
        return
    name = f"{handle.plan.name}-replication"
    made = dict(handle.made)
    made |= {f"bucket_arn.{cluster}": arn for cluster, arn, _ in destinations}
    made |= {f"key_arn.{cluster}": arn for cluster, _, arn in destinations}
    (role,) = [role for role in decided.roles if role.key == "replication"]
    identity = Identity(name, role, made, opts)
    Replication(
        name,
        ReplicationArgs(
            bucket=made["bucket_name"],
            prefix=decided.bucket.prefix,
            role_arn=identity.arn,
            key_arn=made["key_arn"],
            destinations=destinations,
        ),
        opts,
    )
