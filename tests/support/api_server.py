"""A Kubernetes API server asked in plain JSON: for kinds that a test does not know beforehand, and from threads of its own."""

from __future__ import annotations

import base64
import json
import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx2
import yaml

PASSING = {"events", "leases", "componentstatuses"}
"""Kinds of which the control plane makes new ones all the time."""


@dataclass(frozen=True)
class ApiKind:
    """One kind that the server has, in its preferred version."""

    group_version: str
    plural: str
    kind: str
    namespaced: bool

    def path(self, namespace: str | None = None, name: str | None = None) -> str:
        """Where one object of it lies, or all of them."""
        root = f"/apis/{self.group_version}" if "/" in self.group_version else f"/api/{self.group_version}"
        return "/".join([root, *(["namespaces", namespace] if namespace and self.namespaced else []), self.plural, *([name] if name else [])])


class ApiServer:
    """One context of a kubeconfig."""

    def __init__(self, kubeconfig: Path, context: str) -> None:
        document = yaml.safe_load(kubeconfig.read_text(encoding="utf-8"))
        cluster = next(entry["cluster"] for entry in document["clusters"] if entry["name"] == context)
        user = next(entry["user"] for entry in document["users"] if entry["name"] == context)
        self.address: str = cluster["server"]
        self.certificate: str = cluster["certificate-authority-data"]
        self.token: str = user["token"]
        trust = ssl.create_default_context(cadata=base64.b64decode(self.certificate).decode())
        headers = {"Authorization": f"Bearer {self.token}"}
        self._client = httpx2.Client(base_url=self.address, headers=headers, verify=trust, trust_env=False, timeout=20)

    def close(self) -> None:
        """End the connections."""
        self._client.close()

    def get(self, path: str) -> dict[str, Any]:
        """The object or list at this path.

        Raises:
            httpx2.HTTPError: there is none, or no answer.
        """
        answer = self._client.get(path)
        answer.raise_for_status()
        return dict(answer.json())

    def items(self, path: str) -> list[dict[str, Any]]:
        """Everything in the list at this path."""
        return list(self.get(path)["items"])

    def answers(self, path: str) -> bool:
        """Whether there is an object or a list at this path, now."""
        return self._client.get(path).is_success

    def create(self, path: str, body: Mapping[str, Any], *, dry_run: bool = False) -> httpx2.Response:
        """Ask for a new object, or whether there might be one; the answer may be a refusal."""
        return self._client.post(path, json=body, params={"dryRun": "All"} if dry_run else None)

    def delete(self, path: str) -> httpx2.Response:
        """Ask for the end of an object."""
        return self._client.delete(path)

    def report(self, path: str, status: Mapping[str, Any]) -> httpx2.Response:
        """Say how it is with an object, as its controller would."""
        headers = {"Content-Type": "application/merge-patch+json"}
        return self._client.patch(f"{path}/status", content=json.dumps({"status": status}), headers=headers)

    def strictly(self, path: str, body: Mapping[str, Any]) -> httpx2.Response:
        """Whether the server would take this object, every field of it known. Nothing is changed."""
        asked = {"dryRun": "All", "fieldManager": "strict-test", "fieldValidation": "Strict", "force": "true"}
        return self._client.patch(path, params=asked, content=json.dumps(body), headers={"Content-Type": "application/apply-patch+yaml"})

    def kinds(self) -> list[ApiKind]:
        """Every kind that can be listed."""
        groups = [group["preferredVersion"]["groupVersion"] for group in self.get("/apis")["groups"]]
        found: list[ApiKind] = []
        for group_version, path in [("v1", "/api/v1"), *((one, f"/apis/{one}") for one in groups)]:
            listed = (each for each in self.get(path)["resources"] if "/" not in each["name"] and "list" in each["verbs"])
            found += [ApiKind(group_version, each["name"], each["kind"], each["namespaced"]) for each in listed]
        return found

    def everything(self) -> set[str]:
        """Every object there is, but those that pass by themselves, as `plural namespace/name`."""
        return {
            f"{kind.plural} {item['metadata'].get('namespace', '')}/{item['metadata']['name']}"
            for kind in self.kinds()
            if kind.plural not in PASSING
            for item in self.items(kind.path())
        }
