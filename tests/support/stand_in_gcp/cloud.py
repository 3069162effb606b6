"""What the stand-in's other parts ask of Google Cloud."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tests.support.stand_in_cloud import api_rules
from tests.support.stand_in_cloud.catalogue import inputs_class, resource_class
from tests.support.stand_in_cloud.cloud import Cloud, Configuration, Fault
from tests.support.stand_in_cloud.inventory import Key
from tests.support.stand_in_cloud.names import DEFAULTS
from tests.support.stand_in_gcp import changes, creation_rules, deletion_rules, outputs, own_rules
from tests.support.stand_in_gcp.catalogue import KINDS
from tests.support.stand_in_gcp.kinds import GLOBAL, Kind
from tests.support.stand_in_gcp.projects import Projects
from tests.support.stand_in_provider_sdk import known_outputs, missing_or_mistyped, unknown_to_sdk
from tests.support.stand_in_provider_wire import UNKNOWN

VERSION = "10.2.0"
ATTRIBUTION = {"goog-pulumi-provisioned": "true"}


class Gcp(Cloud[Kind]):
    """Google Cloud, with as many projects as are named."""

    package, version, kinds = "gcp", VERSION, KINDS
    throttled = "googleapi: Error 429: Quota exceeded for quota metric 'Queries' and limit 'Queries per minute', rateLimitExceeded"
    replaces_provider = ()
    labels_output, labels_inputs = "effectiveLabels", ("labels", "resourceLabels")

    def __init__(self, projects: Projects, planes: outputs.ControlPlanes) -> None:
        super().__init__(projects)
        self.projects, self.planes = projects, planes

    def configuration_faults(self, configuration: Configuration) -> list[Fault]:
        return [(name, f"{name}: required field is not set") for name in ("project", "region") if configuration.get(name) in (None, "")]

    def faults(self, kind: Kind, inputs: Mapping[str, Any], configuration: Configuration) -> list[Fault]:
        given = {name: value for name, value in inputs.items() if name != DEFAULTS}
        expected = inputs_class(kind.token)
        found = [*unknown_to_sdk(expected, given, ""), *missing_or_mistyped(expected, given)]
        if not found:
            sent = self._whole(kind, given, configuration)
            found = [*api_rules.faults(kind, given), *own_rules.faults(kind, sent)]
        return list(dict.fromkeys(found))

    def place(self, kind: Kind, inputs: Mapping[str, Any], configuration: Configuration) -> str:
        said = inputs.get(kind.place or "") or configuration.get("region", "")
        if kind.everywhere:
            return GLOBAL
        if kind.place == "keyRing":
            return said.split("/")[3]
        return (said if said.count("-") < 2 else said.rpartition("-")[0]).lower()

    def _whole(self, kind: Kind, inputs: Mapping[str, Any], configuration: Configuration) -> dict[str, Any]:
        """Inputs with the provider's project, region and labels where they name none."""
        found = {"project": configuration.get("project"), **inputs}
        if kind.place in ("region", "location"):
            found = {kind.place: configuration.get("region"), **found}
        if "effectiveLabels" in known_outputs(resource_class(kind.token)):
            found[kind.labels] = self.labels(inputs, configuration)
        return found

    def labels(self, inputs: Mapping[str, Any], configuration: Configuration) -> Any:
        own = inputs.get("labels") or inputs.get("resourceLabels") or {}
        attribution = {} if str(configuration.get("addPulumiAttributionLabel", True)).lower() == "false" else ATTRIBUTION
        return UNKNOWN if own == UNKNOWN else {**attribution, **(configuration.get("defaultLabels") or {}), **own}

    def marked(self, kind: Kind, state: dict[str, Any], configuration: Configuration) -> dict[str, Any]:
        known = known_outputs(resource_class(kind.token))
        labels = dict.fromkeys({"effectiveLabels", "pulumiLabels"} & known, self.labels(state, configuration))
        where = {name: configuration[said] for name, said in (("project", "project"), ("region", "region")) if name in known and name not in state}
        return {**state, **where, **labels}

    def foreseen(self, kind: Kind, inputs: Mapping[str, Any], configuration: Configuration) -> dict[str, Any]:
        return outputs.foreseen(kind, inputs, resource_class(kind.token))

    def made(self, kind: Kind, inputs: Mapping[str, Any], place: str, configuration: Configuration) -> tuple[str, dict[str, Any]]:
        whole = {"project": configuration["project"], **inputs}
        if kind.place in ("region", "location"):
            whole = {kind.place: configuration["region"], **whole}
        return outputs.made(kind, whole, self.projects, self.planes)

    def unchanged(self, kind: Kind, old: Mapping[str, Any], new: Mapping[str, Any]) -> set[str]:
        return changes.unchanged(kind, old, new)

    def updated(self, kind: Kind, old: Mapping[str, Any], new: Mapping[str, Any], *, preview: bool) -> dict[str, Any]:
        return changes.updated(kind, old, new)

    def creation_refusal(
        self, kind: Kind, inputs: Mapping[str, Any], place: str, configuration: Configuration, old: Mapping[str, Any] | None = None
    ) -> str | None:
        whole = {"project": configuration["project"], **inputs}
        return creation_rules.refusal(kind, whole, place, self.projects, old)

    def existing(self, kind: Kind, identity: str, inputs: Mapping[str, Any], place: str) -> str | None:
        if kind.conflict and creation_rules.taken_for_good(kind, identity, place, self.projects):
            return kind.conflict.format(**{**inputs, "id": identity})
        return super().existing(kind, identity, inputs, place)

    def deletion_refusal(self, key: Key) -> str | None:
        return deletion_rules.refusal(key, self.projects)

    def delete(self, key: Key) -> None:
        deletion_rules.delete(key, self.projects)
