"""Types of a network as calls of EC2."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tests.support.replay import Inputs, Made, Region, Translation


def labelled(kind: str, inputs: Inputs) -> list[dict[str, Any]]:
    """Tags of something that EC2 makes."""
    return [{"ResourceType": kind, "Tags": listed(inputs["tags"])}]


def listed(tags: Mapping[str, str]) -> list[dict[str, str]]:
    """Tags as most services take them."""
    return [{"Key": key, "Value": value} for key, value in tags.items()]


def tags(found: Mapping[str, Any]) -> dict[str, str]:
    """Tags as most services give them."""
    return {tag["Key"]: tag["Value"] for tag in found.get("Tags", [])}


def only(found: list[Any]) -> Any:
    """The one that was asked for; a filter that finds nothing is no error of AWS."""
    if not found:
        raise KeyError("nothing is found")
    (one,) = found
    return one


def _vpc(region: Region, inputs: Inputs) -> Made:
    ec2 = region.client("ec2")
    made = ec2.create_vpc(CidrBlock=inputs["cidrBlock"], TagSpecifications=labelled("vpc", inputs))["Vpc"]
    ec2.modify_vpc_attribute(VpcId=made["VpcId"], EnableDnsSupport={"Value": inputs["enableDnsSupport"]})
    ec2.modify_vpc_attribute(VpcId=made["VpcId"], EnableDnsHostnames={"Value": inputs["enableDnsHostnames"]})
    return {"id": made["VpcId"], "ownerId": made["OwnerId"]}


def _read_vpc(region: Region, made: Made) -> Made:
    ec2 = region.client("ec2")
    found = only(ec2.describe_vpcs(VpcIds=[made["id"]])["Vpcs"])
    attributes = {
        name: ec2.describe_vpc_attribute(VpcId=made["id"], Attribute=name)[f"E{name[1:]}"]["Value"]
        for name in ("enableDnsSupport", "enableDnsHostnames")
    }
    return {"cidrBlock": found["CidrBlock"], "tags": tags(found), **attributes}


def _default_group(region: Region, inputs: Inputs) -> Made:
    """The provider takes over the group that came with the VPC and takes every rule out of it."""
    ec2 = region.client("ec2")
    filters = [{"Name": "vpc-id", "Values": [inputs["vpcId"]]}, {"Name": "group-name", "Values": ["default"]}]
    group = only(ec2.describe_security_groups(Filters=filters)["SecurityGroups"])
    ec2.revoke_security_group_egress(GroupId=group["GroupId"], IpPermissions=group["IpPermissionsEgress"])
    if group["IpPermissions"]:
        ec2.revoke_security_group_ingress(GroupId=group["GroupId"], IpPermissions=group["IpPermissions"])
    ec2.create_tags(Resources=[group["GroupId"]], Tags=listed(inputs["tags"]))
    return {"id": group["GroupId"]}


def _group(region: Region, inputs: Inputs) -> Made:
    """The provider takes out the rule to everywhere that EC2 puts into every new group."""
    ec2 = region.client("ec2")
    made = ec2.create_security_group(
        GroupName=inputs["name"], Description=inputs["description"], VpcId=inputs["vpcId"], TagSpecifications=labelled("security-group", inputs)
    )
    group = only(ec2.describe_security_groups(GroupIds=[made["GroupId"]])["SecurityGroups"])
    ec2.revoke_security_group_egress(GroupId=group["GroupId"], IpPermissions=group["IpPermissionsEgress"])
    return {"id": group["GroupId"]}


def _read_group(region: Region, made: Made) -> Made:
    found = only(region.client("ec2").describe_security_groups(GroupIds=[made["id"]])["SecurityGroups"])
    return {"name": found["GroupName"], "description": found["Description"], "vpcId": found["VpcId"], "tags": tags(found)}


def _rule(region: Region, inputs: Inputs) -> Made:
    permission = {
        "IpProtocol": inputs["ipProtocol"],
        "FromPort": inputs["fromPort"],
        "ToPort": inputs["toPort"],
        "IpRanges": [{"CidrIp": inputs["cidrIpv4"], "Description": inputs["description"]}],
    }
    made = region.client("ec2").authorize_security_group_ingress(
        GroupId=inputs["securityGroupId"], IpPermissions=[permission], TagSpecifications=labelled("security-group-rule", inputs)
    )
    return {"id": only(made["SecurityGroupRules"])["SecurityGroupRuleId"], "group": inputs["securityGroupId"]}


def _read_rule(region: Region, made: Made) -> Made:
    found = only(region.client("ec2").describe_security_group_rules(SecurityGroupRuleIds=[made["id"]])["SecurityGroupRules"])
    return {
        "securityGroupId": found["GroupId"],
        "description": found["Description"],
        "cidrIpv4": found["CidrIpv4"],
        "ipProtocol": found["IpProtocol"],
        "fromPort": found["FromPort"],
        "toPort": found["ToPort"],
        "tags": tags(found),
    }


def _subnet(region: Region, inputs: Inputs) -> Made:
    ec2 = region.client("ec2")
    made = ec2.create_subnet(
        VpcId=inputs["vpcId"],
        AvailabilityZoneId=inputs["availabilityZoneId"],
        CidrBlock=inputs["cidrBlock"],
        TagSpecifications=labelled("subnet", inputs),
    )["Subnet"]
    ec2.modify_subnet_attribute(SubnetId=made["SubnetId"], MapPublicIpOnLaunch={"Value": inputs["mapPublicIpOnLaunch"]})
    return {"id": made["SubnetId"], "availabilityZone": made["AvailabilityZone"]}


def _read_subnet(region: Region, made: Made) -> Made:
    found = only(region.client("ec2").describe_subnets(SubnetIds=[made["id"]])["Subnets"])
    names = {"vpcId": "VpcId", "availabilityZoneId": "AvailabilityZoneId", "cidrBlock": "CidrBlock", "mapPublicIpOnLaunch": "MapPublicIpOnLaunch"}
    return {**{name: found[member] for name, member in names.items()}, "tags": tags(found)}


def _internet(region: Region, inputs: Inputs) -> Made:
    ec2 = region.client("ec2")
    made = ec2.create_internet_gateway(TagSpecifications=labelled("internet-gateway", inputs))["InternetGateway"]["InternetGatewayId"]
    ec2.attach_internet_gateway(InternetGatewayId=made, VpcId=inputs["vpcId"])
    return {"id": made}


def _read_internet(region: Region, made: Made) -> Made:
    found = only(region.client("ec2").describe_internet_gateways(InternetGatewayIds=[made["id"]])["InternetGateways"])
    return {"vpcId": only(found["Attachments"])["VpcId"], "tags": tags(found)}


def _no_internet(region: Region, made: Made, inputs: Inputs) -> None:
    ec2 = region.client("ec2")
    ec2.detach_internet_gateway(InternetGatewayId=made["id"], VpcId=inputs["vpcId"])
    ec2.delete_internet_gateway(InternetGatewayId=made["id"])


def _table(region: Region, inputs: Inputs) -> Made:
    made = region.client("ec2").create_route_table(VpcId=inputs["vpcId"], TagSpecifications=labelled("route-table", inputs))
    return {"id": made["RouteTable"]["RouteTableId"]}


def _read_table(region: Region, made: Made) -> Made:
    found = only(region.client("ec2").describe_route_tables(RouteTableIds=[made["id"]])["RouteTables"])
    return {"vpcId": found["VpcId"], "tags": tags(found)}


TARGETS = {"gatewayId": "GatewayId", "natGatewayId": "NatGatewayId"}


def _route(region: Region, inputs: Inputs) -> Made:
    target = {member: inputs[name] for name, member in TARGETS.items() if name in inputs}
    table, destination = inputs["routeTableId"], inputs["destinationCidrBlock"]
    region.client("ec2").create_route(RouteTableId=table, DestinationCidrBlock=destination, **target)
    return {"id": f"{table}{destination}", "table": table, "destination": destination}


def _read_route(region: Region, made: Made) -> Made:
    table = only(region.client("ec2").describe_route_tables(RouteTableIds=[made["table"]])["RouteTables"])
    found = only([route for route in table["Routes"] if route.get("DestinationCidrBlock") == made["destination"]])
    targets = {name: found[member] for name, member in TARGETS.items() if member in found}
    return {"routeTableId": table["RouteTableId"], "destinationCidrBlock": found["DestinationCidrBlock"], **targets}


def _no_route(region: Region, made: Made, _: Inputs) -> None:
    region.client("ec2").delete_route(RouteTableId=made["table"], DestinationCidrBlock=made["destination"])


def _association(region: Region, inputs: Inputs) -> Made:
    return {"id": region.client("ec2").associate_route_table(RouteTableId=inputs["routeTableId"], SubnetId=inputs["subnetId"])["AssociationId"]}


def _read_association(region: Region, made: Made) -> Made:
    filters = [{"Name": "association.route-table-association-id", "Values": [made["id"]]}]
    table = only(region.client("ec2").describe_route_tables(Filters=filters)["RouteTables"])
    found = only([each for each in table["Associations"] if each["RouteTableAssociationId"] == made["id"]])
    return {"routeTableId": found["RouteTableId"], "subnetId": found["SubnetId"]}


def _address(region: Region, inputs: Inputs) -> Made:
    made = region.client("ec2").allocate_address(Domain=inputs["domain"], TagSpecifications=labelled("elastic-ip", inputs))
    return {"id": made["AllocationId"]}


def _read_address(region: Region, made: Made) -> Made:
    found = only(region.client("ec2").describe_addresses(AllocationIds=[made["id"]])["Addresses"])
    return {"domain": found["Domain"], "tags": tags(found)}


def _nat(region: Region, inputs: Inputs) -> Made:
    made = region.client("ec2").create_nat_gateway(
        AllocationId=inputs["allocationId"], SubnetId=inputs["subnetId"], TagSpecifications=labelled("natgateway", inputs)
    )
    (address,) = made["NatGateway"]["NatGatewayAddresses"]
    return {"id": made["NatGateway"]["NatGatewayId"], "interface": address["NetworkInterfaceId"]}


def _read_nat(region: Region, made: Made) -> Made:
    found = only(region.client("ec2").describe_nat_gateways(NatGatewayIds=[made["id"]])["NatGateways"])
    if found["State"] in ("deleting", "deleted"):
        raise KeyError("it is shown for a while after it was deleted")
    return {"allocationId": only(found["NatGatewayAddresses"])["AllocationId"], "subnetId": found["SubnetId"], "tags": tags(found)}


ENDPOINT = {
    "vpcId": "VpcId",
    "serviceName": "ServiceName",
    "vpcEndpointType": "VpcEndpointType",
    "privateDnsEnabled": "PrivateDnsEnabled",
    "routeTableIds": "RouteTableIds",
    "subnetIds": "SubnetIds",
    "securityGroupIds": "SecurityGroupIds",
}


def _endpoint(region: Region, inputs: Inputs) -> Made:
    members = {member: inputs[name] for name, member in ENDPOINT.items() if name in inputs}
    made = region.client("ec2").create_vpc_endpoint(**members, TagSpecifications=labelled("vpc-endpoint", inputs))
    return {"id": made["VpcEndpoint"]["VpcEndpointId"]}


def _read_endpoint(region: Region, made: Made) -> Made:
    found = only(region.client("ec2").describe_vpc_endpoints(VpcEndpointIds=[made["id"]])["VpcEndpoints"])
    if found["State"] == "deleted":
        raise KeyError("it is shown for a while after it was deleted")
    groups = [group["GroupId"] for group in found["Groups"]]
    return {**{name: found[member] for name, member in ENDPOINT.items() if member in found}, "securityGroupIds": groups, "tags": tags(found)}


def _flow_log(region: Region, inputs: Inputs) -> Made:
    made = region.client("ec2").create_flow_logs(
        ResourceIds=[inputs["vpcId"]],
        ResourceType="VPC",
        TrafficType=inputs["trafficType"],
        LogDestinationType=inputs["logDestinationType"],
        LogDestination=inputs["logDestination"],
        DeliverLogsPermissionArn=inputs["iamRoleArn"],
        MaxAggregationInterval=inputs["maxAggregationInterval"],
        TagSpecifications=labelled("vpc-flow-log", inputs),
    )
    assert not made.get("Unsuccessful"), made
    return {"id": only(made["FlowLogIds"])}


def _read_flow_log(region: Region, made: Made) -> Made:
    found = only(region.client("ec2").describe_flow_logs(FlowLogIds=[made["id"]])["FlowLogs"])
    return {
        "vpcId": found["ResourceId"],
        "trafficType": found["TrafficType"],
        "logDestinationType": found["LogDestinationType"],
        "logDestination": found.get("LogDestination"),
        "iamRoleArn": found["DeliverLogsPermissionArn"],
        "maxAggregationInterval": found["MaxAggregationInterval"],
        "tags": tags(found),
    }


def _by_id(operation: str, member: str, *, as_list: bool = False) -> Any:
    """A deletion that wants nothing but the id."""

    def delete(region: Region, made: Made, _: Inputs) -> None:
        getattr(region.client("ec2"), operation)(**{member: [made["id"]] if as_list else made["id"]})

    return delete


def _no_rule(region: Region, made: Made, _: Inputs) -> None:
    region.client("ec2").revoke_security_group_ingress(GroupId=made["group"], SecurityGroupRuleIds=[made["id"]])


TRANSLATIONS = {
    "aws:ec2/vpc:Vpc": Translation(create=_vpc, read=_read_vpc, delete=_by_id("delete_vpc", "VpcId"), tagged=True),
    "aws:ec2/defaultSecurityGroup:DefaultSecurityGroup": Translation(create=_default_group, read=_read_group, tagged=True),
    "aws:ec2/securityGroup:SecurityGroup": Translation(
        create=_group, read=_read_group, delete=_by_id("delete_security_group", "GroupId"), name="name", tagged=True
    ),
    "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule": Translation(create=_rule, read=_read_rule, delete=_no_rule, tagged=True),
    "aws:ec2/subnet:Subnet": Translation(create=_subnet, read=_read_subnet, delete=_by_id("delete_subnet", "SubnetId"), tagged=True),
    "aws:ec2/internetGateway:InternetGateway": Translation(create=_internet, read=_read_internet, delete=_no_internet, tagged=True),
    "aws:ec2/routeTable:RouteTable": Translation(create=_table, read=_read_table, delete=_by_id("delete_route_table", "RouteTableId"), tagged=True),
    "aws:ec2/route:Route": Translation(create=_route, read=_read_route, delete=_no_route),
    "aws:ec2/routeTableAssociation:RouteTableAssociation": Translation(
        create=_association, read=_read_association, delete=_by_id("disassociate_route_table", "AssociationId")
    ),
    "aws:ec2/eip:Eip": Translation(create=_address, read=_read_address, delete=_by_id("release_address", "AllocationId"), tagged=True),
    "aws:ec2/natGateway:NatGateway": Translation(create=_nat, read=_read_nat, delete=_by_id("delete_nat_gateway", "NatGatewayId"), tagged=True),
    "aws:ec2/vpcEndpoint:VpcEndpoint": Translation(
        create=_endpoint, read=_read_endpoint, delete=_by_id("delete_vpc_endpoints", "VpcEndpointIds", as_list=True), tagged=True
    ),
    "aws:ec2/flowLog:FlowLog": Translation(
        create=_flow_log, read=_read_flow_log, delete=_by_id("delete_flow_logs", "FlowLogIds", as_list=True), tagged=True
    ),
}
