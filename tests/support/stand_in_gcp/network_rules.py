"""Limits of compute and DNS that their descriptions do not write down."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterator, Mapping
from typing import Any

from tests.support.stand_in_cloud.cloud import Fault
from tests.support.stand_in_provider_wire import UNKNOWN, at


def network(inputs: Mapping[str, Any]) -> Iterator[Fault]:
    """Of a network."""
    mtu = inputs.get("mtu")
    if isinstance(mtu, int) and mtu and not 1300 <= mtu <= 8896:
        yield "mtu", f"{mtu} is not between 1300 and 8896"


def subnetwork(inputs: Mapping[str, Any]) -> Iterator[Fault]:
    """Of a subnetwork: its blocks, and what proxies take."""
    blocks: list[tuple[str, ipaddress.IPv4Network]] = []
    ranges = inputs.get("secondaryIpRanges")
    listed = [("ipCidrRange", inputs.get("ipCidrRange"))]
    if isinstance(ranges, list):
        listed += [(f"secondaryIpRanges[{index}].ipCidrRange", at(one, "ipCidrRange")) for index, one in enumerate(ranges)]
    for where, value in listed:
        if value in (None, UNKNOWN):
            continue
        block = network_of(value)
        if block is None:
            yield where, f"googleapi: Error 400: Invalid value for field '{where}': '{value}'. Must be a CIDR address range., invalid"
        elif block.prefixlen > 29:
            yield where, f"googleapi: Error 400: Invalid value for field '{where}': '{value}'. The range must be at least /29., invalid"
        else:
            blocks.append((where, block))
    for number, (where, block) in enumerate(blocks):
        if any(block.overlaps(other) for _, other in blocks[:number]):
            yield where, f"googleapi: Error 400: Invalid IPCidrRange: {block} conflicts with another range of the subnetwork., invalid"
    managed = str(inputs.get("purpose", "")).endswith("MANAGED_PROXY")
    if managed != ("role" in inputs):
        yield "role", "is demanded for a subnetwork of proxies, and for no other"
    if managed:
        yield from ((name, "a subnetwork of proxies takes it not") for name in ("logConfig", "secondaryIpRanges") if inputs.get(name))


def network_of(value: Any) -> ipaddress.IPv4Network | None:
    """A block of addresses, or None where it is none."""
    try:
        return ipaddress.IPv4Network(value)
    except ValueError:
        return None


def nat(inputs: Mapping[str, Any]) -> Iterator[Fault]:
    """Of a way out."""
    least, most, dynamic = inputs.get("minPortsPerVm"), inputs.get("maxPortsPerVm"), inputs.get("enableDynamicPortAllocation")
    if dynamic and inputs.get("enableEndpointIndependentMapping"):
        yield "enableEndpointIndependentMapping", "googleapi: Error 400: not together with dynamic port allocation, invalid"
    for name, value in (("minPortsPerVm", least), ("maxPortsPerVm", most)):
        if dynamic and isinstance(value, int) and value & (value - 1):
            yield name, f"googleapi: Error 400: {value} is no power of two, which dynamic port allocation asks for, invalid"
    if most is not None and not dynamic:
        yield "maxPortsPerVm", "googleapi: Error 400: is for dynamic port allocation alone, invalid"
    if isinstance(least, int) and isinstance(most, int) and most <= least:
        yield "maxPortsPerVm", f"googleapi: Error 400: {most} is not more than minPortsPerVm {least}, invalid"


def firewall(inputs: Mapping[str, Any]) -> Iterator[Fault]:
    """Of a rule."""
    if bool(inputs.get("allows")) == bool(inputs.get("denies")):
        yield "allows", "one of allows and denies"
    incoming = inputs.get("direction", "INGRESS") == "INGRESS"
    if incoming and not any(inputs.get(name) for name in ("sourceRanges", "sourceTags", "sourceServiceAccounts")):
        yield "sourceRanges", "one of source_tags, source_ranges, or source_service_accounts must be defined"
    if inputs.get("sourceTags") and inputs.get("sourceServiceAccounts"):
        yield "sourceTags", "conflicts with sourceServiceAccounts"
    for name in ("sourceRanges", "destinationRanges"):
        values = inputs.get(name)
        for index, value in enumerate(values if isinstance(values, list) else []):
            if value != UNKNOWN and network_of(value) is None:
                yield f"{name}[{index}]", f"googleapi: Error 400: Invalid value for field '{name}': '{value}'. Must be a CIDR address range., invalid"


def zone(inputs: Mapping[str, Any]) -> Iterator[Fault]:
    """Of a zone of names."""
    name = inputs.get("dnsName")
    if isinstance(name, str) and name != UNKNOWN and not name.endswith("."):
        yield "dnsName", f"expect dns_name to end in '.', got {name}"
    private = inputs.get("visibility", "public") == "private"
    if bool(inputs.get("privateVisibilityConfig")) != private:
        yield "privateVisibilityConfig", "is for a private zone, which is seen from nowhere without it"


def record(inputs: Mapping[str, Any]) -> Iterator[Fault]:
    """Of a record."""
    name, kind, answers = inputs.get("name"), inputs.get("type"), inputs.get("rrdatas")
    if isinstance(name, str) and name != UNKNOWN and not name.endswith("."):
        yield "name", f"expect name to end in '.', got {name}"
    if not isinstance(answers, list):
        if answers != UNKNOWN:
            yield "rrdatas", "a record has answers"
        return
    if kind == "CNAME" and len(answers) != 1:
        yield "rrdatas", "googleapi: Error 400: a CNAME has one answer, invalid"
    for index, answer in enumerate(answers):
        if answer == UNKNOWN:
            continue
        if kind == "A" and not re.fullmatch(r"(\d{1,3}\.){3}\d{1,3}", answer):
            yield f"rrdatas[{index}]", f"googleapi: Error 400: {answer!r} is no address of IPv4, invalid"
        if kind == "CNAME" and not answer.endswith("."):
            yield f"rrdatas[{index}]", f"googleapi: Error 400: {answer!r} does not end in '.', invalid"
