"""The SDK's classes of each type of resource."""

from __future__ import annotations

import sys
from functools import cache
from importlib import import_module
from typing import Any


@cache
def resource_class(token: str) -> Any:
    """The SDK's class of, for example, `aws:ec2/vpc:Vpc`."""
    package, module, title = token.split(":")
    found = getattr(import_module(f"pulumi_{package}.{module.partition('/')[0]}"), title)
    assert found.pulumi_type == token, f"the SDK calls it {found.pulumi_type}"
    return found


@cache
def inputs_class(token: str) -> type:
    """The SDK's class of its inputs. A class of that name may be a part of another type's; then it is called InitArgs."""
    resource = resource_class(token)
    module = vars(sys.modules[resource.__module__])
    return module.get(f"{resource.__name__}InitArgs") or module[f"{resource.__name__}Args"]
