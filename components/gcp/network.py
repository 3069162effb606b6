"""The VPC network of a region: machines without addresses of their own on the internet, and a way out by NAT."""

from __future__ import annotations

from dataclasses import dataclass

import pulumi
from pulumi_gcp import compute, dns

from fleet.gcp.plan import ControlPlanePlan, NetworkPlan

GOOGLE_APIS = "googleapis.com."


@dataclass(frozen=True, kw_only=True)
class NetworkArgs:
    """What a network is made from."""

    plan: NetworkPlan
    ranges: ControlPlanePlan
    """Whose pods and Services have their addresses here."""
    region: str
    title: str
    """What its parts are called in descriptions."""
    protect: bool
    deletion_policy: str


class Network(pulumi.ComponentResource):
    """Network, subnets, NAT, firewall and the names of Google's APIs."""

    network_id: pulumi.Output[str]
    name: pulumi.Output[str]
    subnet_id: pulumi.Output[str]

    def __init__(self, name: str, args: NetworkArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("fleet:gcp:Network", name, None, opts)
        self._name, self._args, self._child = name, args, pulumi.ResourceOptions(parent=self)
        network = compute.Network(
            f"{name}-vpc",
            description=f"Machines of {args.title}",
            auto_create_subnetworks=False,
            routing_mode="REGIONAL",
            deletion_policy=args.deletion_policy,
            opts=pulumi.ResourceOptions(parent=self, protect=args.protect),
        )
        self.network_id, self.name = network.id, network.name
        self.subnet_id = self._subnets()
        self._way_out()
        self._firewall()
        self._google_apis()
        self.register_outputs({})

    def _subnets(self) -> pulumi.Output[str]:
        plan, ranges, region = self._args.plan, self._args.ranges, self._args.region
        nodes = compute.Subnetwork(
            f"{self._name}-nodes",
            network=self.network_id,
            region=region,
            ip_cidr_range=plan.nodes_cidr,
            secondary_ip_ranges=[
                compute.SubnetworkSecondaryIpRangeArgs(range_name=ranges.pods_range, ip_cidr_range=plan.pods_cidr),
                compute.SubnetworkSecondaryIpRangeArgs(range_name=ranges.services_range, ip_cidr_range=plan.services_cidr),
            ],
            private_ip_google_access=True,
            log_config=compute.SubnetworkLogConfigArgs(metadata="INCLUDE_ALL_METADATA") if plan.flow_logs else None,
            opts=self._child,
        )
        compute.Subnetwork(
            f"{self._name}-proxy",
            network=self.network_id,
            region=region,
            ip_cidr_range=plan.proxy_cidr,
            purpose="REGIONAL_MANAGED_PROXY",
            role="ACTIVE",
            opts=self._child,
        )
        return nodes.id

    def _way_out(self) -> None:
        """Ports are given by need: a machine that opens many connections at once gets more of them."""
        router = compute.Router(f"{self._name}-router", network=self.network_id, region=self._args.region, opts=self._child)
        compute.RouterNat(
            f"{self._name}-nat",
            router=router.name,
            region=self._args.region,
            nat_ip_allocate_option="AUTO_ONLY",
            source_subnetwork_ip_ranges_to_nat="ALL_SUBNETWORKS_ALL_IP_RANGES",
            enable_dynamic_port_allocation=True,
            enable_endpoint_independent_mapping=False,
            min_ports_per_vm=self._args.plan.nat_ports_per_machine,
            log_config=compute.RouterNatLogConfigArgs(enable=True, filter="ERRORS_ONLY"),
            opts=self._child,
        )

    def _firewall(self) -> None:
        """GKE opens what its own machines and control plane need between them; nothing else comes in but checks and load balancers."""
        plan = self._args.plan
        sources = {"checks": list(plan.health_check_cidrs), "proxy": [plan.proxy_cidr]}
        for key, cidrs in sources.items():
            compute.Firewall(
                f"{self._name}-{key}",
                network=self.network_id,
                description=f"{self._args.title}: load balancers reach pods",
                direction="INGRESS",
                source_ranges=cidrs,
                target_tags=[plan.node_tag],
                allows=[compute.FirewallAllowArgs(protocol="tcp")],
                # Moved to another network in place, it would be missing in the one where machines still run.
                opts=pulumi.ResourceOptions(parent=self, replace_on_changes=["network"]),
            )

    def _google_apis(self) -> None:
        """The names of Google's APIs lead to addresses that are not on the internet, and that a network policy can name."""
        zone = dns.ManagedZone(
            f"{self._name}-apis",
            dns_name=GOOGLE_APIS,
            description=f"Google's APIs as {self._args.title} reaches them",
            visibility="private",
            private_visibility_config=dns.ManagedZonePrivateVisibilityConfigArgs(
                networks=[dns.ManagedZonePrivateVisibilityConfigNetworkArgs(network_url=self.network_id)]
            ),
            # As above: machines of the network that goes need their names to the end.
            opts=pulumi.ResourceOptions(parent=self, replace_on_changes=["privateVisibilityConfig"]),
        )
        private = f"private.{GOOGLE_APIS}"
        for key, name, kind, answers in (
            ("private", private, "A", list(self._args.plan.google_api_addresses)),
            ("every", f"*.{GOOGLE_APIS}", "CNAME", [private]),
        ):
            dns.RecordSet(f"{self._name}-{key}-api", managed_zone=zone.name, name=name, type=kind, ttl=300, rrdatas=answers, opts=self._child)
