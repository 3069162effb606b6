"""What Kubernetes asks of any object, judged without a cluster: published schemas, legal names and labels, references that resolve."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any

import jsonschema
from kubernetes_validate import utils
from referencing import Registry, Resource

NEWEST = "1.36"
"""The minor version the local target runs; schemas of that version or the newest before it."""

DNS_LABEL = re.compile(r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?")
LABEL_NAME = re.compile(r"[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?")
LABEL_VALUE = re.compile(r"([A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?)?")
DNS_SUBDOMAIN = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*")
QUANTITY = re.compile(r"(\d+(?:\.\d+)?)(m|k|M|G|T|Ki|Mi|Gi|Ti)?")
FACTORS = {None: 1, "m": 0.001, "k": 1e3, "M": 1e6, "G": 1e9, "T": 1e12, "Ki": 2**10, "Mi": 2**20, "Gi": 2**30, "Ti": 2**40}


def schema_problems(item: Mapping[str, Any]) -> list[str]:
    """What the strict schema of this kind says: unknown fields, wrong types, missing fields."""
    version = [each for each in utils.all_versions() if _minor(each) <= _minor(NEWEST)][-1]
    return [f"{'.'.join(map(str, error.path))}: {error.message}" for error in _validator(version, item["kind"], item["apiVersion"]).iter_errors(item)]


def _minor(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in version.split(".")[:2])


@cache
def _validator(version: str, kind: str, api_version: str) -> Any:
    group = re.sub(r"^([^./]*)(?:\.[^/]*)?/", r"\1-", api_version)
    folder = f"kubernetes-json-schema/v{version}-local-strict"
    schema = utils.schema_contents(f"{folder}/{kind.lower()}-{group}.json", version)
    return jsonschema.Draft202012Validator(schema, registry=Resource.from_contents(schema) @ _definitions(version))


@cache
def _definitions(version: str) -> Registry:
    contents = utils.schema_contents(f"kubernetes-json-schema/v{version}-local-strict/_definitions.json", version)
    return Resource.from_contents(contents) @ Registry()


def metadata_problems(item: Mapping[str, Any]) -> Iterator[str]:
    """Names, labels and annotations that the API server would refuse, of the object and of its pod template."""
    metadata = item["metadata"]
    if not DNS_LABEL.fullmatch(metadata["name"]):
        yield f"name {metadata['name']}"
    for part in (metadata, (template_of(item) or {}).get("metadata", {})):
        for key, value in part.get("labels", {}).items():
            if not _key_is_legal(key) or not LABEL_VALUE.fullmatch(value):
                yield f"label {key}={value}"
        for key, value in part.get("annotations", {}).items():
            if not _key_is_legal(key) or not isinstance(value, str):
                yield f"annotation {key}={value}"


def _key_is_legal(key: str) -> bool:
    prefix, _, name = key.rpartition("/")
    return bool(LABEL_NAME.fullmatch(name)) and (not prefix or (len(prefix) <= 253 and bool(DNS_SUBDOMAIN.fullmatch(prefix))))


def quantity(text: str) -> float:
    """The number a quantity stands for."""
    found = QUANTITY.fullmatch(str(text))
    assert found, f"{text!r} is no quantity"
    return float(found.group(1)) * FACTORS[found.group(2)]


def template_of(item: Mapping[str, Any]) -> dict[str, Any] | None:
    """The pod template inside a workload: metadata and spec."""
    if item["kind"] == "CronJob":
        return item["spec"]["jobTemplate"]["spec"]["template"]
    return item["spec"]["template"] if item["kind"] in {"Deployment", "Job"} else None


def pod_of(item: Mapping[str, Any]) -> dict[str, Any] | None:
    """The pod spec inside a workload."""
    template = template_of(item)
    return template["spec"] if template else None


def references(pod: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """(kind, name) of every object a pod cannot start without."""
    yield "ServiceAccount", pod["serviceAccountName"]
    if "priorityClassName" in pod:
        yield "PriorityClass", pod["priorityClassName"]
    for volume in pod.get("volumes", []):
        if "persistentVolumeClaim" in volume:
            yield "PersistentVolumeClaim", volume["persistentVolumeClaim"]["claimName"]
        if "configMap" in volume:
            yield "ConfigMap", volume["configMap"]["name"]
        if "secret" in volume:
            yield "Secret", volume["secret"]["secretName"]
    for container in [*pod.get("initContainers", []), *pod["containers"]]:
        for variable in container.get("env", []):
            source = variable.get("valueFrom", {})
            yield from (("Secret", source[key]["name"]) for key in source if key == "secretKeyRef")
            yield from (("ConfigMap", source[key]["name"]) for key in source if key == "configMapKeyRef")


def matches(selector: Mapping[str, Any], labels: Mapping[str, str]) -> bool:
    """Whether a selector made of labels alone picks these labels; an empty one picks everything."""
    assert set(selector) <= {"matchLabels"}, f"{selector} is more than this judges"
    return selector.get("matchLabels", {}).items() <= labels.items()
