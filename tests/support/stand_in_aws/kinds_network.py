"""Networks: what the stand-in knows of VPCs and everything inside."""

from __future__ import annotations

from tests.support.stand_in_aws.kinds import AutoName, Call, Kind, Needs

EC2 = "arn:aws:ec2:{region}:{account}"
IPAM = "addresses come from the plan, not from IPAM"
IPV6 = "the fleet's networks have no IPv6"

VPC = Needs(path="vpcId", kind="Vpc", error="InvalidVpcID.NotFound: The vpc ID '{}' does not exist")
SUBNET = Needs(path="subnetId", kind="Subnet", error="InvalidSubnetID.NotFound: The subnet ID '{}' does not exist")
GROUP_ERROR = "InvalidGroup.NotFound: The security group '{}' does not exist"
TABLE_ERROR = "InvalidRouteTableID.NotFound: The routeTable ID '{}' does not exist"
RULE = {
    "securityGroupId": "GroupId",
    "ipProtocol": "IpPermissions.IpProtocol",
    "fromPort": "IpPermissions.FromPort",
    "toPort": "IpPermissions.ToPort",
    "cidrIpv4": "IpPermissions.IpRanges.CidrIp",
    "cidrIpv6": "IpPermissions.Ipv6Ranges.CidrIpv6",
    "prefixListId": "IpPermissions.PrefixListIds.PrefixListId",
    "referencedSecurityGroupId": "IpPermissions.UserIdGroupPairs.GroupId",
    "description": "IpPermissions.IpRanges.Description",
}


def _rule(direction: str) -> Kind:
    return Kind(
        token=f"aws:vpc/securityGroup{direction}Rule:SecurityGroup{direction}Rule",
        calls=(Call(service="ec2", operation=f"AuthorizeSecurityGroup{direction}", renames=RULE),),
        identity="sgr-{hex}",
        arn=EC2 + ":security-group-rule/{id}",
        replaced_by=("securityGroupId",),
        needs=(
            Needs(path="securityGroupId", kind="SecurityGroup", error=GROUP_ERROR),
            Needs(path="referencedSecurityGroupId", kind="SecurityGroup", error=GROUP_ERROR),
        ),
        conflict="InvalidPermission.Duplicate: the specified rule already exists",
        unique=("securityGroupId", "ipProtocol", "fromPort", "toPort", "cidrIpv4", "cidrIpv6", "prefixListId", "referencedSecurityGroupId"),
    )


KINDS = (
    Kind(
        token="aws:ec2/vpc:Vpc",
        calls=(
            Call(service="ec2", operation="CreateVpc", renames={"assignGeneratedIpv6CidrBlock": "AmazonProvidedIpv6CidrBlock"}),
            Call(
                service="ec2",
                operation="ModifyVpcAttribute",
                renames={
                    "enableDnsHostnames": "EnableDnsHostnames.Value",
                    "enableDnsSupport": "EnableDnsSupport.Value",
                    "enableNetworkAddressUsageMetrics": "EnableNetworkAddressUsageMetrics.Value",
                },
                given={"VpcId": "vpc-0"},
                only=("enableDnsHostnames", "enableDnsSupport", "enableNetworkAddressUsageMetrics"),
            ),
        ),
        identity="vpc-{hex}",
        arn=EC2 + ":vpc/{id}",
        replaced_by=("cidrBlock", "ipv4IpamPoolId", "ipv4NetmaskLength"),
    ),
    Kind(
        token="aws:ec2/subnet:Subnet",
        calls=(
            Call(service="ec2", operation="CreateSubnet"),
            Call(
                service="ec2",
                operation="ModifySubnetAttribute",
                renames={
                    "assignIpv6AddressOnCreation": "AssignIpv6AddressOnCreation.Value",
                    "enableDns64": "EnableDns64.Value",
                    "enableResourceNameDnsARecordOnLaunch": "EnableResourceNameDnsARecordOnLaunch.Value",
                    "enableResourceNameDnsAaaaRecordOnLaunch": "EnableResourceNameDnsAAAARecordOnLaunch.Value",
                    "mapCustomerOwnedIpOnLaunch": "MapCustomerOwnedIpOnLaunch.Value",
                    "mapPublicIpOnLaunch": "MapPublicIpOnLaunch.Value",
                    "privateDnsHostnameTypeOnLaunch": "PrivateDnsHostnameTypeOnLaunch",
                },
                given={"SubnetId": "subnet-0"},
                only=(
                    "assignIpv6AddressOnCreation",
                    "customerOwnedIpv4Pool",
                    "enableDns64",
                    "enableLniAtDeviceIndex",
                    "enableResourceNameDnsARecordOnLaunch",
                    "enableResourceNameDnsAaaaRecordOnLaunch",
                    "mapCustomerOwnedIpOnLaunch",
                    "mapPublicIpOnLaunch",
                    "privateDnsHostnameTypeOnLaunch",
                ),
            ),
        ),
        identity="subnet-{hex}",
        arn=EC2 + ":subnet/{id}",
        replaced_by=(
            "vpcId",
            "cidrBlock",
            "availabilityZone",
            "availabilityZoneId",
            "outpostArn",
            "ipv6Native",
            "ipv4IpamPoolId",
            "ipv4NetmaskLength",
        ),
        needs=(VPC,),
    ),
    Kind(
        token="aws:ec2/internetGateway:InternetGateway",
        calls=(
            Call(service="ec2", operation="CreateInternetGateway"),
            Call(service="ec2", operation="AttachInternetGateway", given={"InternetGatewayId": "igw-0"}, when="vpcId"),
        ),
        identity="igw-{hex}",
        arn=EC2 + ":internet-gateway/{id}",
        needs=(VPC,),
        conflict="Resource.AlreadyAssociated: the network already has an internet gateway attached",
        unique=("vpcId",),
    ),
    Kind(
        token="aws:ec2/eip:Eip",
        calls=(Call(service="ec2", operation="AllocateAddress"),),
        identity="eipalloc-{hex}",
        arn=EC2 + ":elastic-ip/{id}",
        replaced_by=("domain", "address", "customerOwnedIpv4Pool", "ipamPoolId", "networkBorderGroup", "publicIpv4Pool"),
        refused=dict.fromkeys(("associateWithPrivateIp", "instance", "networkInterface"), "an address is mapped by the NAT gateway that uses it"),
    ),
    Kind(
        token="aws:ec2/natGateway:NatGateway",
        calls=(Call(service="ec2", operation="CreateNatGateway", renames={"privateIp": "PrivateIpAddress"}),),
        identity="nat-{hex}",
        arn=EC2 + ":natgateway/{id}",
        replaced_by=("allocationId", "availabilityMode", "connectivityType", "privateIp", "secondaryPrivateIpAddressCount", "subnetId", "vpcId"),
        needs=(
            SUBNET,
            VPC,
            Needs(path="allocationId", kind="Eip", error="InvalidAllocationID.NotFound: The allocation ID '{}' does not exist"),
        ),
        conflict="Resource.AlreadyAssociated: resource is already associated",
        unique=("allocationId",),
    ),
    Kind(
        token="aws:ec2/routeTable:RouteTable",
        calls=(Call(service="ec2", operation="CreateRouteTable"),),
        identity="rtb-{hex}",
        arn=EC2 + ":route-table/{id}",
        replaced_by=("vpcId",),
        refused={
            "routes": "routes are resources of their own: both ways together undo each other",
            "propagatingVgws": "the fleet has no virtual private gateway",
        },
        needs=(VPC,),
    ),
    Kind(
        token="aws:ec2/route:Route",
        calls=(Call(service="ec2", operation="CreateRoute", renames={"egressOnlyGatewayId": "EgressOnlyInternetGatewayId"}),),
        identity="r-{routeTableId}-{hex}",
        replaced_by=("routeTableId", "destinationCidrBlock", "destinationIpv6CidrBlock", "destinationPrefixListId"),
        needs=(
            Needs(path="routeTableId", kind="RouteTable", error=TABLE_ERROR),
            Needs(path="gatewayId", kind="InternetGateway", error="InvalidInternetGatewayID.NotFound: The internetGateway ID '{}' does not exist"),
            Needs(path="natGatewayId", kind="NatGateway", error="InvalidNatGatewayID.NotFound: The natGateway ID '{}' does not exist"),
        ),
        conflict="RouteAlreadyExists: The route identified by the destination already exists",
        unique=("routeTableId", "destinationCidrBlock", "destinationIpv6CidrBlock", "destinationPrefixListId"),
    ),
    Kind(
        token="aws:ec2/routeTableAssociation:RouteTableAssociation",
        calls=(Call(service="ec2", operation="AssociateRouteTable"),),
        identity="rtbassoc-{hex}",
        replaced_by=("subnetId", "gatewayId"),
        needs=(SUBNET, Needs(path="routeTableId", kind="RouteTable", error=TABLE_ERROR)),
        conflict="Resource.AlreadyAssociated: the specified association conflicts with an existing association",
        unique=("subnetId", "gatewayId"),
    ),
    Kind(
        token="aws:ec2/vpcEndpoint:VpcEndpoint",
        calls=(Call(service="ec2", operation="CreateVpcEndpoint", renames={"policy": "PolicyDocument"}),),
        identity="vpce-{hex}",
        arn=EC2 + ":vpc-endpoint/{id}",
        replaced_by=(
            "vpcId",
            "serviceName",
            "vpcEndpointType",
            "serviceRegion",
            "resourceConfigurationArn",
            "serviceNetworkArn",
            "dnsOptions.privateDnsPreference",
            "dnsOptions.privateDnsSpecifiedDomains",
        ),
        defaults={"vpcEndpointType": "Gateway"},
        unsent={"autoAccept": "is for services of other accounts, and makes a call of its own (AcceptVpcEndpointConnections)"},
        documents={"policy": "endpoint"},
        needs=(
            VPC,
            Needs(path="routeTableIds", kind="RouteTable", error=TABLE_ERROR),
            Needs(path="subnetIds", kind="Subnet", error=SUBNET.error),
            Needs(path="securityGroupIds", kind="SecurityGroup", error=GROUP_ERROR),
        ),
        conflict="InvalidParameter: private-dns-enabled cannot be set because there is already a conflicting DNS domain in the VPC",
        unique=("vpcId", "serviceName", "vpcEndpointType"),
    ),
    Kind(
        token="aws:ec2/securityGroup:SecurityGroup",
        calls=(Call(service="ec2", operation="CreateSecurityGroup", renames={"name": "GroupName"}),),
        identity="sg-{hex}",
        arn=EC2 + ":security-group/{id}",
        replaced_by=("name", "namePrefix", "description", "vpcId"),
        name=AutoName(),
        prefix="namePrefix",
        defaults={"description": "Managed by Pulumi", "revokeRulesOnDelete": False},
        unsent={"namePrefix": "begins GroupName", "revokeRulesOnDelete": "makes calls of its own at deletion"},
        refused=dict.fromkeys(("ingress", "egress"), "rules are resources of their own: both ways together undo each other"),
        needs=(VPC,),
        conflict="InvalidGroup.Duplicate: The security group already exists for the VPC",
        unique=("vpcId", "name"),
    ),
    Kind(
        token="aws:ec2/defaultSecurityGroup:DefaultSecurityGroup",
        calls=(Call(service="ec2", operation="CreateTags", given={"Resources": ["sg-0"]}, when="tags", only=("tags",)),),
        identity="{default_group}",
        arn=EC2 + ":security-group/{id}",
        replaced_by=("vpcId",),
        defaults={"revokeRulesOnDelete": False},
        unsent={
            "vpcId": "says whose group is taken over; it exists already, and the provider takes all rules out of it",
            "revokeRulesOnDelete": "makes calls of its own at deletion",
        },
        refused=dict.fromkeys(("ingress", "egress"), "the fleet leaves the default group without rules"),
        needs=(VPC,),
    ),
    _rule("Ingress"),
    _rule("Egress"),
    Kind(
        token="aws:ec2/flowLog:FlowLog",
        calls=(
            Call(
                service="ec2",
                operation="CreateFlowLogs",
                renames={"iamRoleArn": "DeliverLogsPermissionArn", "vpcId": "ResourceIds"},
                given={"ResourceType": "VPC", "ResourceIds": ["vpc-0"]},
            ),
        ),
        identity="fl-{hex}",
        arn=EC2 + ":vpc-flow-log/{id}",
        replaced_by=(
            "deliverCrossAccountRole",
            "destinationOptions",
            "iamRoleArn",
            "logDestination",
            "logDestinationType",
            "logFormat",
            "maxAggregationInterval",
            "trafficType",
            "vpcId",
        ),
        refused=dict.fromkeys(
            ("eniId", "regionalNatGatewayId", "subnetId", "transitGatewayAttachmentId", "transitGatewayId"), "the fleet logs whole networks"
        ),
        needs=(
            VPC,
            Needs(
                path="logDestination",
                kind="LogGroup",
                by="arn",
                error="InvalidParameterValue: the log group {} does not exist",
            ),
            Needs(path="iamRoleArn", kind="Role", by="arn", error="InvalidParameterValue: the role {} does not exist"),
        ),
        conflict="FlowLogAlreadyExists: There is an existing Flow Log with the same configuration and log destination",
        unique=("vpcId", "logDestination", "trafficType"),
    ),
)
