"""Everything that is judged before anything is made: the SDK's word, AWS's models, and limits that neither writes down."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tests.support.stand_in_aws import own_rules
from tests.support.stand_in_aws.kinds import ACCOUNT, Kind
from tests.support.stand_in_cloud import api_rules
from tests.support.stand_in_cloud.catalogue import inputs_class
from tests.support.stand_in_cloud.names import DEFAULTS
from tests.support.stand_in_provider_sdk import known_inputs, missing_or_mistyped, unknown_to_sdk
from tests.support.stand_in_provider_wire import UNKNOWN


def faults(kind: Kind, inputs: Mapping[str, Any], all_tags: Any = None) -> list[tuple[str, str]]:
    """(input, reason) for everything that the SDK or AWS would not know or not take.

    `all_tags` are the resource's own and the provider's: AWS gets both.
    """
    given = {name: value for name, value in inputs.items() if name != DEFAULTS}
    expected = inputs_class(kind.token)
    found = [*unknown_to_sdk(expected, given, ""), *missing_or_mistyped(expected, given)]
    if found:
        return list(dict.fromkeys(found))
    sent = {**given, "tags": all_tags} if all_tags and "tags" in known_inputs(expected) else given
    found = [*api_rules.faults(kind, sent), *own_rules.faults(kind, sent)]
    return list(dict.fromkeys(found))


def configuration_faults(configuration: Mapping[str, Any]) -> list[tuple[str, str]]:
    """What is wrong with a provider: no region, or an account that is not this one."""
    found: list[tuple[str, str]] = []
    if configuration.get("region") in (None, ""):
        found.append(("region", "Missing region information: every region of a fleet has a provider of its own"))
    allowed, forbidden = configuration.get("allowedAccountIds"), configuration.get("forbiddenAccountIds") or []
    if (allowed and UNKNOWN not in (allowed, *allowed) and ACCOUNT not in allowed) or ACCOUNT in forbidden:
        found.append(("allowedAccountIds", f"AWS account ID not allowed: {ACCOUNT}"))
    return found
