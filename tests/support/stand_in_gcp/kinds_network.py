"""Networks: what the stand-in knows of compute's and DNS's types."""

from __future__ import annotations

from tests.support.stand_in_gcp.kinds import LOWER, PLAIN, Call, Kind, Needs

COMPUTE = "https://www.googleapis.com/compute/v1/{id}"
NOT_FOUND = "googleapi: Error 404: The resource '{}' was not found, notFound"
TAKEN = "googleapi: Error 409: The resource '{id}' already exists, alreadyExists"
LINKED = ("id", "selfLink", "name")
"""Outputs of a type of compute, any of which names it."""

NETWORK = Needs(path="network", kind="Network", by=LINKED, error=NOT_FOUND, anywhere=True)

KINDS = (
    Kind(
        token="gcp:compute/network:Network",
        calls=(Call(service="compute.v1", operation="networks.insert", within=("routingConfig",)),),
        identity="projects/{project}/global/networks/{name}",
        self_link=COMPUTE,
        everywhere=True,
        name=LOWER,
        replaced_by=("name", "project", "autoCreateSubnetworks", "description", "internalIpv6Range", "networkProfile", "params"),
        defaults={"autoCreateSubnetworks": True, "networkFirewallPolicyEnforcementOrder": "AFTER_CLASSIC_FIREWALL"},
        unsent={
            "deleteBgpAlwaysCompareMed": "clears a member in an update",
            "deleteDefaultRoutesOnCreate": "makes the provider delete routes afterwards",
        },
        conflict=TAKEN,
        words="ComputeNetwork",
    ),
    Kind(
        token="gcp:compute/subnetwork:Subnetwork",
        calls=(Call(service="compute.v1", operation="subnetworks.insert"),),
        identity="projects/{project}/regions/{region}/subnetworks/{name}",
        self_link=COMPUTE,
        place="region",
        name=LOWER,
        replaced_by=(
            "name",
            "project",
            "network",
            "description",
            "externalIpv6Prefix",
            "internalIpv6Prefix",
            "params",
            "region",
            "reservedInternalRange",
            "resolveSubnetMask",
        ),
        unsent={"sendSecondaryIpRangeIfEmpty": "makes the provider clear a member in an update"},
        needs=(NETWORK,),
        conflict=TAKEN,
        words="ComputeSubnetwork",
    ),
    Kind(
        token="gcp:compute/router:Router",
        calls=(Call(service="compute.v1", operation="routers.insert"),),
        identity="projects/{project}/regions/{region}/routers/{name}",
        self_link=COMPUTE,
        place="region",
        name=LOWER,
        replaced_by=("name", "project", "network", "region", "encryptedInterconnectRouter", "nccGateway", "params"),
        unsent={"region": "says where the call goes"},
        needs=(NETWORK,),
        conflict=TAKEN,
        words="ComputeRouter",
    ),
    Kind(
        token="gcp:compute/routerNat:RouterNat",
        calls=(
            Call(
                service="compute.v1",
                operation="routers.patch/nats",
            ),
        ),
        identity="{project}/{region}/{router}/{name}",
        place="region",
        name=LOWER,
        replaced_by=("name", "project", "router", "endpointTypes", "initialNatIps", "region", "type"),
        unsent={
            "router": "says where the call goes",
            "region": "says where the call goes",
            "initialNatIps": "become natIps, once",
        },
        defaults={"icmpIdleTimeoutSec": 30, "tcpEstablishedIdleTimeoutSec": 1200, "tcpTimeWaitTimeoutSec": 120, "type": "PUBLIC"},
        needs=(Needs(path="router", kind="Router", by=LINKED, error=NOT_FOUND),),
        conflict="googleapi: Error 409: Nat {name} already exists, alreadyExists",
        words="ComputeRouterNat",
    ),
    Kind(
        token="gcp:compute/firewall:Firewall",
        calls=(
            Call(
                service="compute.v1",
                operation="firewalls.insert",
                renames={"allows": "allowed", "denies": "denied", "allows.protocol": "IPProtocol", "denies.protocol": "IPProtocol"},
            ),
        ),
        identity="projects/{project}/global/firewalls/{name}",
        self_link=COMPUTE,
        everywhere=True,
        name=PLAIN,
        replaced_by=("name", "project", "direction", "params"),
        defaults={"priority": 1000},
        unsent={"enableLogging": "is the older name of logConfig"},
        needs=(NETWORK,),
        conflict=TAKEN,
        words="ComputeFirewall",
    ),
    Kind(
        token="gcp:dns/managedZone:ManagedZone",
        calls=(Call(service="dns.v1", operation="managedZones.create", renames={"reverseLookup": "reverseLookupConfig"}),),
        identity="projects/{project}/managedZones/{name}",
        everywhere=True,
        name=PLAIN,
        replaced_by=("name", "project", "dnsName", "visibility"),
        defaults={"description": "Managed by Pulumi", "visibility": "public", "forceDestroy": False},
        unsent={"forceDestroy": "makes the provider delete records first", "reverseLookup": "makes reverseLookupConfig"},
        refused={"dnssecConfig": "the fleet has private zones alone"},
        needs=(
            Needs(
                path="privateVisibilityConfig.networks.networkUrl",
                kind="Network",
                by=("id", "selfLink"),
                error="googleapi: Error 404: The 'entity.managedZone.privateVisibilityConfig.networks' resource named '{}' does not exist., notFound",
                anywhere=True,
            ),
        ),
        conflict="googleapi: Error 409: The resource 'entity.managedZone' named '{name}' already exists, alreadyExists",
        words="DNSManagedZone",
    ),
    Kind(
        token="gcp:dns/recordSet:RecordSet",
        calls=(Call(service="dns.v1", operation="resourceRecordSets.create"),),
        identity="projects/{project}/managedZones/{managedZone}/rrsets/{name}/{type}",
        everywhere=True,
        replaced_by=("managedZone", "name", "project"),
        refused={"routingPolicy": "the fleet's records have one answer everywhere"},
        needs=(
            Needs(
                path="managedZone",
                kind="ManagedZone",
                by="name",
                error="googleapi: Error 404: The 'parameters.managedZone' resource named '{}' does not exist., notFound",
                anywhere=True,
            ),
        ),
        conflict="googleapi: Error 409: The resource 'entity.change.additions[0]' named '{name} ({type})' already exists, alreadyExists",
        words="DNSRecordSet",
    ),
)
