"""What a name means now, asked of the services themselves: a model's commit, an image's digest."""

from __future__ import annotations

import json
import re
import urllib.error
import urllib.parse
import urllib.request
from http.client import HTTPMessage
from typing import Any, cast

from fleet.lock import COMMIT, DIGEST

TIMEOUT_SECONDS = 20

MANIFEST_TYPES = ", ".join(
    (
        "application/vnd.oci.image.index.v1+json",
        "application/vnd.docker.distribution.manifest.list.v2+json",
        "application/vnd.oci.image.manifest.v1+json",
        "application/vnd.docker.distribution.manifest.v2+json",
    )
)
"""The index first: its digest holds for every architecture."""

REGISTRIES = {"docker.io": "registry-1.docker.io"}
"""Where a registry answers, if not under its own name."""

MEANINGS = {401: "it is gated or private: set a token", 403: "it is gated or private: accept its licence", 404: "there is no such name"}


class Unresolvable(Exception):
    """The service did not say; one line says why."""


def model_revision(hub: str, repository: str, token: str | None = None) -> str:
    """The commit that `main` of a model repository is at.

    Raises:
        Unresolvable: not found, gated, rate limited, no network, or an answer that is no commit.
    """
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    body, _ = _get(f"{hub}/api/models/{repository}/revision/main", headers)
    found = str(_json(body).get("sha"))
    if not COMMIT.match(found):
        raise Unresolvable(f"the hub answered {found!r}, which is no commit")
    return found


def image_digest(reference: str, registry: str | None = None) -> str:
    """The digest that a tag names ("docker.io/org/name:tag").

    Args:
        reference: image with registry and tag.
        registry: base address instead of the registry's own.

    Raises:
        Unresolvable: not found, not allowed, rate limited, no network, or an answer without a digest.
    """
    name, _, tag = reference.rpartition(":")
    host, _, repository = name.partition("/")
    base = registry or f"https://{REGISTRIES.get(host, host)}"
    headers = {"Accept": MANIFEST_TYPES}
    url = f"{base}/v2/{repository}/manifests/{tag}"
    try:
        _, answer = _get(url, headers, method="HEAD")
    except _Challenge as challenge:
        _, answer = _get(url, {**headers, "Authorization": f"Bearer {_token(challenge.header)}"}, method="HEAD")
    found = str(answer.get("Docker-Content-Digest"))
    if not DIGEST.match(found):
        raise Unresolvable(f"the registry answered {found!r}, which is no digest")
    return found


class _Challenge(Unresolvable):
    """A registry asks for a token first, and says where it is given out."""

    def __init__(self, header: str) -> None:
        super().__init__("it is private: log in")
        self.header = header


def _token(header: str) -> str:
    """An anonymous pull token from the realm that the challenge names."""
    parts = dict(re.findall(r'(\w+)="([^"]*)"', header))
    realm = parts.pop("realm", "")
    if not realm.startswith(("https://", "http://127.0.0.1")):
        raise Unresolvable(f"the registry names no place that gives out tokens: {header!r}")
    query = urllib.parse.urlencode({key: parts[key] for key in ("service", "scope") if key in parts})
    body, _ = _get(f"{realm}?{query}", {})
    answer = _json(body)
    return str(answer.get("token") or answer.get("access_token"))


def _get(url: str, headers: dict[str, str], method: str = "GET") -> tuple[bytes, HTTPMessage]:
    request = urllib.request.Request(url, headers={"User-Agent": "vllm-fleet", **headers}, method=method)  # noqa: S310  https, or loopback in tests
    try:
        with urllib.request.urlopen(request, timeout=TIMEOUT_SECONDS) as answer:  # noqa: S310  as above
            return answer.read(), answer.headers
    except urllib.error.HTTPError as error:
        header = error.headers.get("WWW-Authenticate", "")
        if error.code == 401 and header.startswith("Bearer") and "Authorization" not in headers:
            raise _Challenge(header) from None
        if error.code == 429:
            wait = error.headers.get("Retry-After")
            raise Unresolvable(f"too many requests; try again {f'in {wait} s' if wait else 'later'}") from None
        raise Unresolvable(MEANINGS.get(error.code, f"HTTP {error.code}")) from None
    except (urllib.error.URLError, OSError, ValueError) as error:
        raise Unresolvable(f"no answer: {getattr(error, 'reason', error)}") from None


def _json(body: bytes) -> dict[str, Any]:
    try:
        value: object = json.loads(body)
    except ValueError:
        raise Unresolvable("the answer is not JSON") from None
    return cast("dict[str, Any]", value) if isinstance(value, dict) else {}
