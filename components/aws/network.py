"""The VPC of a region: private subnets for everything that runs, public ones for load balancers and NAT alone."""

from __future__ import annotations

from dataclasses import dataclass

import pulumi
from pulumi_aws import cloudwatch, ec2, vpc

from fleet.aws.plan import NetworkPlan, ZonePlan

ANYWHERE = "0.0.0.0/0"


@dataclass(frozen=True, kw_only=True)
class NetworkArgs:
    """What a network is made from."""

    plan: NetworkPlan
    region: str
    title: str
    """What its parts are called in the console."""
    protect: bool


@dataclass(frozen=True, kw_only=True)
class FlowLogArgs:
    """Who writes a flow log, and the key it is encrypted with."""

    role_arn: pulumi.Input[str]
    key_arn: pulumi.Input[str]
    group: str
    retention_days: int


class Network(pulumi.ComponentResource):
    """VPC, subnets, NAT and endpoints."""

    vpc_id: pulumi.Output[str]
    account: pulumi.Output[str]
    """Id of the account that owns it: known from the network itself, so nothing has to be looked up."""

    def __init__(self, name: str, args: NetworkArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("fleet:aws:Network", name, None, opts)
        self._name, self._args, self._child = name, args, pulumi.ResourceOptions(parent=self)
        network = ec2.Vpc(
            f"{name}-vpc",
            cidr_block=args.plan.cidr,
            enable_dns_hostnames=True,
            enable_dns_support=True,
            tags={"Name": args.title},
            opts=pulumi.ResourceOptions(parent=self, protect=args.protect),
        )
        self.vpc_id, self.account = network.id, network.owner_id
        # Without rules: what forgets to name a security group reaches nothing.
        ec2.DefaultSecurityGroup(f"{name}-default-security-group", vpc_id=network.id, opts=self._child)
        self._internet = self._internet_gateway()
        self._public = {zone.zone_id: self._subnet(zone, public=True) for zone in args.plan.zones}
        gateways = {zone.zone_id: self._nat(zone) for zone in args.plan.zones if zone.nat}
        self.private = {zone.zone_id: self._subnet(zone, public=False) for zone in args.plan.zones}
        tables = [self._private_routes(zone, gateways[zone.nat_zone_id]) for zone in args.plan.zones]
        self._endpoints(tables)
        self.register_outputs({})

    def subnet_ids(self, zone_ids: tuple[str, ...]) -> list[pulumi.Output[str]]:
        """Private subnets of these zones."""
        return [self.private[zone_id].id for zone_id in zone_ids]

    @property
    def zone_names(self) -> dict[str, pulumi.Output[str]]:
        """Zone id to what this account calls the zone."""
        return {zone_id: subnet.availability_zone for zone_id, subnet in self.private.items()}

    def record_flows(self, args: FlowLogArgs) -> None:
        """Write who talked to whom into an encrypted log."""
        beside = pulumi.ResourceOptions(parent=self, delete_before_replace=False)
        group = cloudwatch.LogGroup(
            f"{self._name}-flows", name=args.group, retention_in_days=args.retention_days, kms_key_id=args.key_arn, opts=beside
        )
        ec2.FlowLog(
            f"{self._name}-flow-log",
            vpc_id=self.vpc_id,
            traffic_type="ALL",
            log_destination_type="cloud-watch-logs",
            log_destination=group.arn,
            iam_role_arn=args.role_arn,
            max_aggregation_interval=600,
            opts=self._child,
        )

    def _subnet(self, zone: ZonePlan, *, public: bool) -> ec2.Subnet:
        kind = "public" if public else "private"
        role = "kubernetes.io/role/elb" if public else "kubernetes.io/role/internal-elb"
        return ec2.Subnet(
            f"{self._name}-{kind}-{zone.zone_id}",
            vpc_id=self.vpc_id,
            availability_zone_id=zone.zone_id,
            cidr_block=zone.public_cidr if public else zone.private_cidr,
            map_public_ip_on_launch=False,
            tags={"Name": f"{self._args.title}-{kind}-{zone.zone_id}", role: "1"},
            opts=self._child,
        )

    def _internet_gateway(self) -> ec2.RouteTable:
        gateway = ec2.InternetGateway(f"{self._name}-internet", vpc_id=self.vpc_id, tags={"Name": self._args.title}, opts=self._child)
        table = ec2.RouteTable(f"{self._name}-public", vpc_id=self.vpc_id, tags={"Name": f"{self._args.title}-public"}, opts=self._child)
        self._way_out = ec2.Route(
            f"{self._name}-public-route", route_table_id=table.id, destination_cidr_block=ANYWHERE, gateway_id=gateway.id, opts=self._child
        )
        return table

    def _nat(self, zone: ZonePlan) -> ec2.NatGateway:
        key, title = f"{self._name}-nat-{zone.zone_id}", f"{self._args.title}-{zone.zone_id}"
        # An address can be mapped while the network has a way out, and is only released before that goes.
        after, subnet = pulumi.ResourceOptions(parent=self, depends_on=[self._way_out]), self._public[zone.zone_id]
        # A gateway that is replaced is made beside the old one, and an address serves one of them only.
        its_own = pulumi.ResourceOptions.merge(after, pulumi.ResourceOptions(replace_with=[subnet]))
        address = ec2.Eip(f"{key}-address", domain="vpc", tags={"Name": title}, opts=its_own)
        return ec2.NatGateway(key, allocation_id=address.id, subnet_id=subnet.id, tags={"Name": title}, opts=after)

    def _private_routes(self, zone: ZonePlan, gateway: ec2.NatGateway) -> ec2.RouteTable:
        key = f"{self._name}-private-{zone.zone_id}"
        table = ec2.RouteTable(f"{key}-routes", vpc_id=self.vpc_id, tags={"Name": f"{self._args.title}-private-{zone.zone_id}"}, opts=self._child)
        ec2.Route(f"{key}-route", route_table_id=table.id, destination_cidr_block=ANYWHERE, nat_gateway_id=gateway.id, opts=self._child)
        ec2.RouteTableAssociation(f"{key}-association", route_table_id=table.id, subnet_id=self.private[zone.zone_id].id, opts=self._child)
        ec2.RouteTableAssociation(
            f"{self._name}-public-{zone.zone_id}-association",
            route_table_id=self._internet.id,
            subnet_id=self._public[zone.zone_id].id,
            opts=self._child,
        )
        return table

    def _endpoints(self, tables: list[ec2.RouteTable]) -> None:
        region, title = self._args.region, self._args.title
        group = ec2.SecurityGroup(
            f"{self._name}-endpoints",
            vpc_id=self.vpc_id,
            description="HTTPS from inside the network to endpoints of AWS services",
            tags={"Name": f"{title}-endpoints"},
            opts=self._child,
        )
        vpc.SecurityGroupIngressRule(
            f"{self._name}-endpoints-https",
            security_group_id=group.id,
            description="HTTPS from inside the network",
            cidr_ipv4=self._args.plan.cidr,
            ip_protocol="tcp",
            from_port=443,
            to_port=443,
            opts=self._child,
        )
        for service in self._args.plan.gateway_endpoints:
            ec2.VpcEndpoint(
                f"{self._name}-endpoint-{service}",
                vpc_id=self.vpc_id,
                service_name=f"com.amazonaws.{region}.{service}",
                vpc_endpoint_type="Gateway",
                route_table_ids=[table.id for table in tables],
                tags={"Name": f"{title}-{service}"},
                opts=self._child,
            )
        control_plane = [zone.zone_id for zone in self._args.plan.zones if zone.control_plane]
        for service in self._args.plan.interface_endpoints:
            ec2.VpcEndpoint(
                f"{self._name}-endpoint-{service}",
                vpc_id=self.vpc_id,
                service_name=f"com.amazonaws.{region}.{service}",
                vpc_endpoint_type="Interface",
                private_dns_enabled=True,
                subnet_ids=[self.private[zone_id].id for zone_id in control_plane],
                security_group_ids=[group.id],
                tags={"Name": f"{title}-{service}"},
                opts=self._child,
            )
