"""What the stand-in's other parts ask of AWS."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tests.support.stand_in_aws import changes, creation_rules, deletion_rules, outputs, rules
from tests.support.stand_in_aws.account import Account, Key
from tests.support.stand_in_aws.catalogue import KINDS
from tests.support.stand_in_aws.kinds import GLOBAL, Kind
from tests.support.stand_in_cloud.catalogue import resource_class
from tests.support.stand_in_cloud.cloud import Cloud, Configuration, Fault
from tests.support.stand_in_provider_sdk import known_outputs
from tests.support.stand_in_provider_wire import UNKNOWN

VERSION = "7.51.1"


class Aws(Cloud[Kind]):
    """AWS, with one account."""

    package, version, kinds = "aws", VERSION, KINDS
    throttled = "ThrottlingException: Rate exceeded"
    labels_output, labels_inputs = "tagsAll", ("tags",)

    def __init__(self, account: Account, planes: outputs.ControlPlanes) -> None:
        super().__init__(account)
        self.account, self.planes = account, planes

    def configuration_faults(self, configuration: Configuration) -> list[Fault]:
        return rules.configuration_faults(configuration)

    def faults(self, kind: Kind, inputs: Mapping[str, Any], configuration: Configuration) -> list[Fault]:
        return rules.faults(kind, inputs, self.labels(inputs, configuration))

    def place(self, kind: Kind, inputs: Mapping[str, Any], configuration: Configuration) -> str:
        return GLOBAL if kind.everywhere else inputs.get("region") or configuration["region"]

    def labels(self, inputs: Mapping[str, Any], configuration: Configuration) -> Any:
        defaults = configuration.get("defaultTags") or {}
        own = inputs.get("tags") or {}
        return UNKNOWN if own == UNKNOWN else {**(defaults.get("tags") or {}), **own}

    def marked(self, kind: Kind, state: dict[str, Any], configuration: Configuration) -> dict[str, Any]:
        known = known_outputs(resource_class(kind.token))
        region = {"region": self.place(kind, state, configuration)} if "region" in known else {}
        return {**state, **region, **({"tagsAll": self.labels(state, configuration)} if "tagsAll" in known else {})}

    def foreseen(self, kind: Kind, inputs: Mapping[str, Any], configuration: Configuration) -> dict[str, Any]:
        return outputs.foreseen(kind, inputs, resource_class(kind.token))

    def made(self, kind: Kind, inputs: Mapping[str, Any], place: str, configuration: Configuration) -> tuple[str, dict[str, Any]]:
        return outputs.made(kind, inputs, place, self.account, self.planes)

    def replacing(self, kind: Kind, old: Mapping[str, Any], new: Mapping[str, Any]) -> list[str]:
        return changes.replacing(kind, old, new)

    def updated(self, kind: Kind, old: Mapping[str, Any], new: Mapping[str, Any], *, preview: bool) -> dict[str, Any]:
        return changes.updated(kind, old, new, preview=preview)

    def creation_refusal(
        self, kind: Kind, inputs: Mapping[str, Any], place: str, configuration: Configuration, old: Mapping[str, Any] | None = None
    ) -> str | None:
        return creation_rules.refusal(kind, inputs, place, self.account, old)

    def deletion_refusal(self, key: Key) -> str | None:
        return deletion_rules.refusal(key, self.account)

    def delete(self, key: Key) -> None:
        deletion_rules.delete(key, self.account)
