r"""Which machine AWS offers in which availability zone: the one table behind every answer about regions and zones.

Source: the EC2 offerings snapshot in moto 5.2.5 (built on 2026-10-27), its files per zone id. What AWS offers now, it says itself:

    aws ec2 describe-instance-type-offerings --location-type availability-zone-id --region us-east-2 \
        --filters Name=instance-type,Values=g6.2xlarge --query InstanceTypeOfferings[].Location

A region or a machine that is not in the table is unknown, which is not the same as not offered.
"""

from __future__ import annotations

from functools import cache

SYSTEM_MACHINE = "m7i.xlarge"
"""Carries everything that needs no GPU: 4 virtual CPUs, 16 GiB."""

SYSTEM_MACHINE_VCPUS = 4

REFUSED_BY_EKS = frozenset({"use1-az3", "usw1-az2", "cac1-az3"})
"""Zones in which EKS takes no subnet of a cluster, as its guide lists them. Nothing of a region is put there."""

_TABLE = """
region         prefix zones  g4dn  g5    g6    g6e  g7e  p4d  p4de p5.4xlarge p5.48xlarge p5e p5en p6-b200 m7i.xlarge
af-south-1     afs1   123    23    -     -     -    -    -    -    -          -           -   -    -       123
ap-east-1      ape1   123    123   12    -     -    -    -    -    -          -           -   -    -       123
ap-northeast-1 apne1  124    124   14    14    14   14   14   14   1          14          -   4    -       124
ap-northeast-2 apne2  1234   123   134   134   12   12   24   -    -          1           -   1    -       1234
ap-northeast-3 apne3  123    12    -     -     12   -    -    -    -          -           -   -    -       123
ap-south-1     aps1   123    123   13    13    13   13   123  -    123        123         -   13   2       123
ap-south-2     aps2   123    -     -     12    12   -    -    -    -          -           -   -    2       123
ap-southeast-1 apse1  123    123   -     -     -    -    -    23   -          -           -   -    -       123
ap-southeast-2 apse2  123    123   12    123   -    -    12   -    3          123         3   -    -       123
ap-southeast-3 apse3  123    -     13    -     -    2    -    -    1          1           13  23   -       123
ap-southeast-4 apse4  123    -     -     -     -    -    -    -    -          -           -   -    -       123
ap-southeast-5 apse5  123    -     -     12    -    -    -    -    -          -           -   -    -       123
ca-central-1   cac1   124    12    12    124   -    -    12   -    -          4           -   -    -       124
ca-west-1      caw1   123    -     -     -     -    -    -    -    -          -           -   -    -       -
eu-central-1   euc1   123    123   123   123   123  23   123  12   -          -           -   -    -       123
eu-central-2   euc2   123    -     -     23    -    -    -    -    -          -           -   -    -       123
eu-north-1     eun1   123    123   23    12    12   13   3    -    123        123         1   13   2       123
eu-south-1     eus1   123    23    -     -     -    -    -    -    -          -           -   -    -       123
eu-south-2     eus2   123    -     123   123   23   12   -    -    -          -           -   12   -       123
eu-west-1      euw1   123    123   123   -     -    -    2    -    -          -           -   -    -       123
eu-west-2      euw2   1234   123   23    123   -    12   23   -    123        123         2   -    -       1234
eu-west-3      euw3   123    123   123   23    -    -    -    -    -          -           -   -    1       123
il-central-1   ilc1   123    -     123   -     -    -    -    123  -          -           -   -    -       123
me-central-1   mec1   123    -     12    12    12   -    -    -    -          -           -   13   -       123
me-south-1     mes1   123    23    -     -     -    -    -    -    -          -           -   -    -       -
sa-east-1      sae1   123    123   12    12    -    -    13   -    3          3           23  -    -       123
us-east-1      use1   123456 12456 12456 12456 1246 26   1246 46   123456     123456      -   26   6       12456
us-east-2      use2   123    123   123   123   123  123  123  -    123        123         123 123  123     123
us-west-1      usw1   13     13    -     -     -    -    -    -    -          13          -   3    -       13
us-west-2      usw2   1234   123   123   1234  1234 1234 1234 123  1234       1234        3   234  124     1234
"""
"""A row for each region; digits are the numbers behind `az` of the zones that exist, and of those that offer the machine or the whole
family: 46 in the row use1 means use1-az4 and use1-az6."""


def zones(region: str) -> tuple[str, ...]:
    """Ids of the region's zones in the order of their numbers; none where the region is not in the table."""
    row = _rows().get(region)
    return _ids(row, "zones") if row else ()


def knows(machine: str, region: str) -> bool:
    """Whether the table can say where in the region the machine is offered."""
    return region in _rows() and _column(machine) is not None


def zones_offering(machine: str, region: str) -> tuple[str, ...]:
    """Ids of the zones that offer the machine, in the order of their numbers.

    Where the table cannot say (`knows`) every zone of the region may, so all it has are returned.
    """
    row, column = _rows().get(region), _column(machine)
    if row is None or column is None:
        return zones(region)
    return _ids(row, column)


def regions_offering(machine: str) -> frozenset[str]:
    """Regions of the table where at least one zone offers the machine; none where the machine is not in it."""
    column = _column(machine)
    return frozenset(region for region, row in _rows().items() if column is not None and _ids(row, column))


def regions_without(machine: str) -> frozenset[str]:
    """Regions of the table where no zone offers the machine; none where the machine is not in it."""
    return frozenset(_rows()) - regions_offering(machine) if _column(machine) else frozenset()


def prefix(region: str) -> str | None:
    """What ids of the region's zones begin with, for example use2; None where the region is not in the table."""
    row = _rows().get(region)
    return row["prefix"] if row else None


def zone_number(zone_id: str) -> int:
    """The number behind `az`, from 1: use2-az3 has 3."""
    return int(zone_id.rpartition("-az")[2])


@cache
def _rows() -> dict[str, dict[str, str]]:
    header, *lines = (line.split() for line in _TABLE.strip().splitlines())
    return {line[0]: dict(zip(header, line, strict=True)) for line in lines}


def _column(machine: str) -> str | None:
    columns = next(iter(_rows().values()))
    return next((name for name in (machine, machine.partition(".")[0]) if name in columns and name not in ("region", "prefix", "zones")), None)


def _ids(row: dict[str, str], column: str) -> tuple[str, ...]:
    return tuple(f"{row['prefix']}-az{digit}" for digit in row[column].strip("-"))
