"""The kubeconfig of the local regions: one context each, readable by its owner only, for it holds their tokens."""

from __future__ import annotations

import base64
import os
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
    partial = path.with_suffix(".partial")
    partial.unlink(missing_ok=True)
    with os.fdopen(os.open(partial, os.O_WRONLY | os.O_CREAT, 0o600), "w", encoding="utf-8") as file:
        yaml.safe_dump(document, file, sort_keys=False)
    partial.replace(path)
