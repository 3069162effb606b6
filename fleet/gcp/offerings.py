"""Which machine Google offers in which zone: the one table behind every answer about its regions and zones.

Source: catalogs/v8/gcp/vms.csv of skypilot-org/skypilot-catalog, commit 006059e0, made from Google's list of machine types. The day of that
commit is not known; it has A4 and A3 Ultra, and no G4. Its regions for L4 (18) and both A100 (10 and 5) are those of an independent price
table of 2026-08-03. What Google offers now, it says itself:

    gcloud compute machine-types list --filter="name=g2-standard-8 AND zone:us-central1" --format="value(zone)"
    gcloud compute accelerator-types list --filter="name=nvidia-tesla-t4 AND zone:us-central1" --format="value(zone)"

A machine that is in no column (G4), or a region that is in no row, is unknown, which is not the same as not offered.
"""

from __future__ import annotations

from functools import cache

SYSTEM_MACHINE = "e2-standard-4"
"""Carries everything that needs no GPU: 4 virtual CPUs, 16 GiB. E2 is in every zone of the table."""

SYSTEM_MACHINE_VCPUS = 4

_TABLE = """
region                  zones n1   g2  a2-highgpu a2-ultragpu a3-small a3-highgpu-8g a3-ultragpu a4
africa-south1           abc   -    -   -          -           -        -             -           -
asia-east1              abc   ac   abc -          -           c        c             -           -
asia-east2              abc   ac   -   -          -           -        -             -           -
asia-northeast1         abc   ac   abc ac         -           b        b             -           b
asia-northeast2         abc   -    -   -          -           -        -             -           -
asia-northeast3         abc   bc   ab  ab         -           -        -             -           -
asia-south1             abc   ab   abc -          -           c        c             b           -
asia-south2             abc   -    -   -          -           b        b             c           -
asia-southeast1         abc   abc  abc abc        c           bc       bc            -           b
asia-southeast2         abc   ab   -   -          -           -        -             -           -
australia-southeast1    abc   ac   -   -          -           c        c             -           -
australia-southeast2    abc   -    -   -          -           -        -             -           -
europe-central2         abc   bc   -   -          -           -        -             -           -
europe-north1           abc   -    -   -          -           c        c             -           b
europe-north2           abc   -    -   -          -           -        -             -           -
europe-southwest1       abc   -    -   -          -           -        -             -           -
europe-west1            bcd   bcd  bc  -          -           bc       bc            b           -
europe-west10           abc   -    -   -          -           -        -             -           -
europe-west12           abc   -    -   -          -           -        -             -           -
europe-west2            abc   ab   ab  -          -           -        -             -           -
europe-west3            abc   b    ab  -          -           c        c             -           -
europe-west4            abc   abc  abc ab         a           bc       bc            a           b
europe-west6            abc   -    bc  -          -           -        -             -           -
europe-west8            abc   -    -   -          -           c        -             -           -
europe-west9            abc   -    -   -          -           c        c             -           -
me-central1             abc   -    -   -          -           -        -             -           -
me-central2             abc   -    ac  -          -           -        -             -           -
me-west1                abc   bc   -   ac         -           -        -             -           -
northamerica-northeast1 abc   c    bc  -          -           -        -             -           -
northamerica-northeast2 abc   -    ab  -          -           -        -             -           -
northamerica-south1     abc   -    -   -          -           -        -             -           -
southamerica-east1      abc   abc  -   -          -           -        -             -           -
southamerica-west1      abc   -    -   -          -           -        -             -           -
us-central1             abcf  abcf abc abcf       ac          abc      abc           b           b
us-east1                bcd   bcd  bcd b          -           -        -             -           b
us-east4                abc   abc  ac  -          c           abc      abc           b           b
us-east5                abc   -    -   -          ab          a        a             a           -
us-south1               abc   -    -   -          -           -        -             b           b
us-west1                abc   ab   abc b          -           ab       ab            c           -
us-west2                abc   bc   -   -          -           -        -             -           c
us-west3                abc   b    -   b          -           -        -             -           bc
us-west4                abc   ab   ac  b          -           a        a             -           -
"""
"""A row for each region; letters are the zones that exist, and those that offer the machine. `n1` is where a T4 can be attached, `a3-small` an
a3-highgpu with fewer than eight GPUs. Zones for special uses (us-south1-ai1b) are left out."""


def zones(region: str) -> tuple[str, ...]:
    """Zones of the region in the order of their letters; none where the region is not in the table."""
    row = _rows().get(region)
    return _named(region, row["zones"]) if row else ()


def knows(machine: str, region: str) -> bool:
    """Whether the table can say where in the region the machine is offered."""
    return region in _rows() and _column(machine) is not None


def zones_offering(machine: str, region: str) -> tuple[str, ...]:
    """Zones that offer the machine, in the order of their letters.

    Where the table cannot say (`knows`) every zone of the region may, so all it has are returned.
    """
    row, column = _rows().get(region), _column(machine)
    if row is None or column is None:
        return zones(region)
    return _named(region, row[column])


def regions_offering(machine: str) -> frozenset[str]:
    """Regions of the table where at least one zone offers the machine; none where the machine is not in it."""
    column = _column(machine)
    return frozenset(region for region, row in _rows().items() if column is not None and row[column] != "-")


def regions_without(machine: str) -> frozenset[str]:
    """Regions of the table where no zone offers the machine; none where the machine is not in it."""
    return frozenset(_rows()) - regions_offering(machine) if _column(machine) else frozenset()


@cache
def _rows() -> dict[str, dict[str, str]]:
    header, *lines = (line.split() for line in _TABLE.strip().splitlines())
    return {line[0]: dict(zip(header, line, strict=True)) for line in lines}


def _column(machine: str) -> str | None:
    """Of a machine type: its own, its kind's, its family's."""
    family, kind, *_ = machine.split("-")
    if family == "e2":
        return "zones"
    if (family, kind) == ("a3", "highgpu") and machine != "a3-highgpu-8g":
        return "a3-small"
    columns = next(iter(_rows().values()))
    return next((name for name in (machine, f"{family}-{kind}", family) if name in columns), None)


def _named(region: str, letters: str) -> tuple[str, ...]:
    return tuple(f"{region}-{letter}" for letter in letters.strip("-"))
