"""The kubeconfig of the local regions: one context each, readable by its owner only, for it holds their tokens."""

from __future__ import annotations

import base64
import os
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

import yaml


@dataclass(frozen=True, kw_only=True)
class Access:
    """How one API server is reached."""

    context: str
    server: str
    certificate: Path
    """The API server's own certificate, trusted as it is: nothing is skipped."""
    token: str


def write(path: Path, regions: list[Access]) -> None:
    """Write a kubeconfig whole or not at all."""
    document = {
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": regions[0].context,
        "clusters": [
            {
                "name": access.context,
                "cluster": {
                    "server": access.server,
                    "certificate-authority-data": base64.b64encode(access.certificate.read_bytes()).decode(),
                },
            }
            for access in regions
        ],
        "users": [{"name": access.context, "user": {"token": access.token}} for access in regions],
        "contexts": [{"name": access.context, "context": {"cluster": access.context, "user": access.context}} for access in regions],
    }
    write_private(path, yaml.safe_dump(document, sort_keys=False))


def only(path: Path, contexts: Collection[str]) -> str:
    """The text of a kubeconfig with these contexts alone, the first of them current.

    Raises:
        KeyError: it has none of them.
    """
    document = yaml.safe_load(path.read_text(encoding="utf-8"))
    for kind in ("clusters", "users", "contexts"):
        document[kind] = [entry for entry in document[kind] if entry["name"] in contexts]
    if not document["contexts"]:
        raise KeyError(f"the kubeconfig has no context {', '.join(contexts)}")
    return yaml.safe_dump(document | {"current-context": document["contexts"][0]["name"]}, sort_keys=False)


def write_private(path: Path, text: str) -> None:
    """Write a file that only its owner may read, whole or not at all."""
    partial = path.with_suffix(".partial")
    partial.unlink(missing_ok=True)
    with os.fdopen(os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
        file.write(text)
    partial.replace(path)
