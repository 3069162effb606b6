"""Every type that the stand-in knows, and the SDK's classes of each."""

from __future__ import annotations

import sys
from functools import cache
from importlib import import_module
from typing import Any

from tests.support.stand_in_aws import kinds_cluster, kinds_identity, kinds_network, kinds_storage
from tests.support.stand_in_aws.kinds import Kind

KINDS: dict[str, Kind] = {kind.token: kind for kind in (*kinds_network.KINDS, *kinds_cluster.KINDS, *kinds_storage.KINDS, *kinds_identity.KINDS)}


@cache
def resource_class(token: str) -> Any:
    """The SDK's class of `aws:ec2/vpc:Vpc`."""
    _, module, title = token.split(":")
    found = getattr(import_module(f"pulumi_aws.{module.partition('/')[0]}"), title)
    assert found.pulumi_type == token, f"the SDK calls it {found.pulumi_type}"
    return found


@cache
def inputs_class(token: str) -> type:
    """The SDK's class of its inputs. A class of that name may be a part of another type's; then it is called InitArgs."""
    resource = resource_class(token)
    module = vars(sys.modules[resource.__module__])
    return module.get(f"{resource.__name__}InitArgs") or module[f"{resource.__name__}Args"]
