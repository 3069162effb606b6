"""What the stand-in for the Kubernetes provider knows: which inputs are right, and which changes replace an object.

Inputs are judged by two sources nobody here wrote: Kubernetes' own schemas and the names that the pinned SDK knows. What
forces a replacement is knowledge encoded by hand, after the table in the real provider's source, for the kinds this fleet
creates; the cluster tier runs the real provider.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from functools import cache
from importlib import import_module
from typing import Any

from jsonschema import Draft202012Validator
from kubernetes_validate.utils import schema_contents
from pulumi_kubernetes.helm.v3 import ReleaseArgs
from referencing import Registry, Resource

from tests.support.stand_in_provider_sdk import missing_or_mistyped, unknown_to_sdk
from tests.support.stand_in_provider_wire import at

KUBERNETES_VERSION = "1.36"
"""Of the control planes that the local target runs."""

REPLACED_BY: Mapping[str, tuple[str, ...]] = {
    "ConfigMap": ("data", "binaryData"),
    "Deployment": ("spec.selector",),
    "Job": ("spec.completions", "spec.parallelism", "spec.selector", "spec.template"),
    "PersistentVolumeClaim": ("spec",),
    "Secret": ("type", "data", "stringData"),
    "Service": ("spec.clusterIP",),
    "StorageClass": ("parameters", "provisioner"),
}
MUTABLE_BY_CONFIGURATION = {"ConfigMap": "enableConfigMapMutable", "Secret": "enableSecretMutable"}
REPLACED_BY_ANY = ("metadata.name", "metadata.namespace")

RELEASE = "kubernetes:helm.sh/v3:Release"
RELEASE_REPLACED_BY = ("name", "namespace")
"""A chart that was installed is upgraded, whatever else changes."""

DEFINED_BY = {"external-secrets.io": "external-secrets"}
"""API group to the release whose chart brings its kinds."""

DEFINED_BY_GKE = ("cloud.google.com", "snapshot.storage.k8s.io")
"""API groups whose kinds every cluster of GKE knows."""


def faults(kind_token: str, inputs: Mapping[str, Any]) -> list[tuple[str, str]]:
    """(property, reason) for everything that Kubernetes or the SDK would not know or not take.

    Kinds that a chart or GKE defines have a name and no schema here.
    """
    if kind_token == RELEASE:
        return list(missing_or_mistyped(ReleaseArgs, inputs)) + list(unknown_to_sdk(ReleaseArgs, inputs, ""))
    if _group(inputs) in (*DEFINED_BY, *DEFINED_BY_GKE):
        return [] if inputs.get("metadata", {}).get("name") else [("metadata.name", "objects of a fleet have fixed names")]
    found = list(unknown_to_sdk(_input_type(kind_token), inputs, ""))
    if not inputs.get("metadata", {}).get("name"):
        found.append(("metadata.name", "the stand-in makes no names: objects of a fleet have fixed ones"))
    errors = _validator(inputs["kind"], inputs["apiVersion"]).iter_errors(dict(inputs))
    return [*found, *((".".join(str(part) for part in error.absolute_path), error.message) for error in errors)]


def kind_of(inputs: Mapping[str, Any]) -> str:
    """Kind of an object; a chart's inputs name none."""
    return inputs.get("kind", "Release")


def undefined(inputs: Mapping[str, Any], releases: Collection[str]) -> str | None:
    """What a cluster with these releases says of a kind that it does not know."""
    chart = DEFINED_BY.get(_group(inputs))
    missing = chart is not None and chart not in releases
    return f'no matches for kind "{kind_of(inputs)}" in version "{inputs["apiVersion"]}"' if missing else None


def _group(inputs: Mapping[str, Any]) -> str:
    return str(inputs.get("apiVersion", "")).rpartition("/")[0]


def replacing(kind: str, old: Mapping[str, Any], new: Mapping[str, Any], configuration: Mapping[str, Any] | None = None) -> list[str]:
    """The changed properties that the real provider, configured so, answers with a replacement."""
    mutable = MUTABLE_BY_CONFIGURATION.get(kind)
    own = () if mutable and str((configuration or {}).get(mutable)).lower() == "true" else REPLACED_BY.get(kind, ())
    if kind == "Release":
        return [path for path in RELEASE_REPLACED_BY if at(old, path) != at(new, path)]
    return [path for path in (*REPLACED_BY_ANY, *own) if at(old, path) != at(new, path)]


@cache
def _validator(kind: str, api_version: str) -> Draft202012Validator:
    folder = f"kubernetes-json-schema/v{KUBERNETES_VERSION}.0-local-strict"
    group, _, version = api_version.rpartition("/")
    name = f"{kind.lower()}-{group.split('.')[0]}-{version}" if group else f"{kind.lower()}-{version}"
    schema = schema_contents(f"{folder}/{name}.json", KUBERNETES_VERSION)
    definitions = schema_contents(f"{folder}/_definitions.json", KUBERNETES_VERSION)
    registry = Registry().with_resources((document["$id"], Resource.from_contents(document)) for document in (schema, definitions))
    return Draft202012Validator(schema, registry=registry)


def _input_type(kind_token: str) -> type:
    """The SDK's class of inputs for `kubernetes:apps/v1:Deployment`."""
    _, module, kind = kind_token.split(":")
    group, _, version = module.partition("/")
    package = import_module(f"pulumi_kubernetes.{group.split('.')[0]}.{version}")
    return getattr(package, f"{kind}InitArgs")
