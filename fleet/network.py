"""The address plan: which private range the network of each cluster has. No two overlap, and none ever moves by itself.

A region has a block of 131,072 addresses for good, a cluster a quarter of it, chosen by a hash of its name: neither the order of
clusters nor other clusters decide, so adding one changes nothing that exists. Two that got the same quarter work side by side and can
never be connected: that is a warning, for moving one by itself would replace its network and everything in it. A range that somebody
wrote is refused where it overlaps.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from ipaddress import IPv4Network
from itertools import combinations

from fleet import naming
from fleet.aws.control_plane import SERVICE_CIDR
from fleet.problems import Problem
from fleet.settings import AwsCluster, Cluster, ExistingCluster, Settings
from fleet.settings.base import NETWORK_PREFIX_LENGTH

_REGIONS = """
af-south-1 ap-east-1 ap-east-2 ap-northeast-1 ap-northeast-2 ap-northeast-3 ap-south-1 ap-south-2 ap-southeast-1 ap-southeast-2
ap-southeast-3 ap-southeast-4 ap-southeast-5 ap-southeast-6 ap-southeast-7 ca-central-1 ca-west-1 cn-north-1 cn-northwest-1 eu-central-1
eu-central-2 eu-north-1 eu-south-1 eu-south-2 eu-west-1 eu-west-2 eu-west-3 il-central-1 me-central-1 me-south-1 mx-central-1 sa-east-1
us-east-1 us-east-2 us-gov-east-1 us-gov-west-1 us-west-1 us-west-2
africa-south1 asia-east1 asia-east2 asia-northeast1 asia-northeast2 asia-northeast3 asia-south1 asia-south2 asia-southeast1
asia-southeast2 australia-southeast1 australia-southeast2 europe-central2 europe-north1 europe-north2 europe-southwest1 europe-west1
europe-west10 europe-west12 europe-west2 europe-west3 europe-west4 europe-west6 europe-west8 europe-west9 me-central1 me-central2 me-west1
northamerica-northeast1 northamerica-northeast2 northamerica-south1 southamerica-east1 southamerica-west1 us-central1 us-east1 us-east4
us-east5 us-south1 us-west1 us-west2 us-west3 us-west4
"""
"""The place of a word is the number of its region, from 1. A new region is appended: anything else renumbers networks that exist."""

BLOCK_PREFIX_LENGTH = 15
SLOTS = 2 ** (NETWORK_PREFIX_LENGTH - BLOCK_PREFIX_LENGTH)
"""Networks in the block of a region."""

REGION_NUMBERS: Mapping[str, int] = {region: number for number, region in enumerate(_REGIONS.split(), start=1)}

_SERVICES = IPv4Network(SERVICE_CIDR)
_SPARE = IPv4Network(f"10.0.0.0/{BLOCK_PREFIX_LENGTH}")
"""The block that number 0 would have: of no region, for whoever needs another range."""


def addresses(settings: Settings) -> tuple[dict[str, str], list[Problem]]:
    """The range of every cluster that gets a network (existing clusters have theirs), and what overlaps."""
    ranges = {name: _range(name, cluster) for name, cluster in settings.clusters.items() if not isinstance(cluster, ExistingCluster)}
    return {name: str(found) for name, found in ranges.items()}, list(_problems(settings.clusters, ranges))


def collisions(settings: Settings) -> Iterator[Problem]:
    """Networks that the plan itself gave the same addresses: what to do, for whoever wants to connect them some day."""
    ranges = {name: _range(name, cluster) for name, cluster in settings.clusters.items() if not isinstance(cluster, ExistingCluster)}
    for pair in combinations(sorted(ranges), 2):
        if ranges[pair[0]].overlaps(ranges[pair[1]]) and not any(_written(settings.clusters[name]) for name in pair):
            yield _overlap(pair, settings.clusters, ranges)


def block(region: str) -> IPv4Network:
    """The addresses of a region of AWS or Google Cloud: region 1 has 10.2.0.0/15, region 2 has 10.4.0.0/15."""
    return IPv4Network(f"10.{2 * REGION_NUMBERS[region]}.0.0/{BLOCK_PREFIX_LENGTH}")


def slot(cluster_name: str) -> int:
    """Which part of its region's block a cluster gets, from 0."""
    return int(naming.short_hash(cluster_name), 16) % SLOTS


def _range(name: str, cluster: Cluster) -> IPv4Network:
    if not isinstance(cluster, ExistingCluster) and cluster.network_cidr:
        return IPv4Network(cluster.network_cidr)
    return _slots(block(cluster.region or ""))[slot(name)]


def _slots(within: IPv4Network) -> list[IPv4Network]:
    return list(within.subnets(new_prefix=NETWORK_PREFIX_LENGTH))


def _problems(clusters: Mapping[str, Cluster], ranges: Mapping[str, IPv4Network]) -> Iterator[Problem]:
    for name in sorted(ranges):
        if isinstance(clusters[name], AwsCluster) and ranges[name].overlaps(_SERVICES):  # on Google they have addresses of the network
            limit = f"Services of the cluster have {SERVICE_CIDR}"
            yield Problem(field=f"clusters.{name}.network_cidr", value=str(ranges[name]), limit=limit, remedy=_other_range(name, clusters, ranges))
    for pair in combinations(sorted(ranges), 2):
        if ranges[pair[0]].overlaps(ranges[pair[1]]) and any(_written(clusters[name]) for name in pair):
            yield _overlap(pair, clusters, ranges)


def _overlap(pair: tuple[str, str], clusters: Mapping[str, Cluster], ranges: Mapping[str, IPv4Network]) -> Problem:
    """Told of the cluster whose range is written, else of the later name."""
    one, other = sorted(pair, key=lambda name: (_written(clusters[name]), name))
    limit = f"cluster {one} has {ranges[one]} as well, and networks that overlap can never be connected"
    remedy = _other_range(other, clusters, ranges)
    if not _written(clusters[other]):
        remedy = f"on whichever of the two does not exist yet (another range replaces a network), {remedy}"
    return Problem(field=f"clusters.{other}.network_cidr", value=str(ranges[other]), limit=limit, remedy=remedy)


def _other_range(name: str, clusters: Mapping[str, Cluster], ranges: Mapping[str, IPv4Network]) -> str:
    """What to write instead: the first range of the region's block, else of the spare block, that nobody has."""
    candidates = [*_slots(block(clusters[name].region or "")), *_slots(_SPARE)]
    free = next((found for found in candidates if not any(found.overlaps(taken) for taken in ranges.values())), None)
    return f"set clusters.{name}.network_cidr: {free}" if free else f"set clusters.{name}.network_cidr to a private /17 that no other cluster has"


def _written(cluster: Cluster) -> bool:
    return not isinstance(cluster, ExistingCluster) and cluster.network_cidr is not None
