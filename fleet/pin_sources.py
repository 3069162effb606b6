"""Ask the model hub for a commit and OCI registries for a digest, over their public HTTP APIs, with the standard library alone.

Written from the published protocols (the hub's `GET /api/models/{repository}/revision/{revision}`, the OCI distribution
specification and the registries' bearer-token handshake) and tested against a server on loopback that speaks them.
Not verified against the real services.
"""

from __future__ import annotations

import http.client
import json
import re
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass, field
from email.message import Message
from hashlib import sha256
from typing import cast

from fleet.lock import COMMIT, DIGEST

CHALLENGE_PART = re.compile(r'(\w+)="([^"]*)"')

HUB = "https://huggingface.co"

REGISTRY_ADDRESSES: Mapping[str, str] = {"docker.io": "https://registry-1.docker.io"}
"""Docker Hub's images are named after docker.io and served from another host; every other registry is where its name says."""

MANIFEST_TYPES = (
    "application/vnd.oci.image.index.v1+json",
    "application/vnd.docker.distribution.manifest.list.v2+json",
    "application/vnd.oci.image.manifest.v1+json",
    "application/vnd.docker.distribution.manifest.v2+json",
)
"""The indexes come first: without them a registry answers with one platform's manifest, whose digest fits no other platform."""

MOST_BYTES = 8 * 1024 * 1024
"""Upper bound of an answer that is read: model descriptions list every file, some repositories have thousands."""


class PinSourceError(Exception):
    """A service gave no identifier; the text is one line that says which, why, and what to do."""


class UnreachableError(PinSourceError):
    """Nothing answers there at all: the next question would only wait as long again."""


@dataclass(frozen=True, kw_only=True)
class Answer:
    """An HTTP answer, whatever its status."""

    status: int
    headers: Message
    body: bytes


@dataclass(frozen=True, kw_only=True)
class PinSources:
    """Where commits and digests come from.

    hub: base address of the model hub. hub_token: sent to the hub only, for gated models. registries: registry name to base
    address, where that is not `https://` and the name. timeout_seconds: of each request.
    """

    hub: str = HUB
    hub_token: str | None = field(default=None, repr=False)
    registries: Mapping[str, str] = field(default_factory=dict[str, str])
    timeout_seconds: float = 20.0

    def commit(self, repository: str, revision: str = "main") -> str:
        """The commit that a branch, a tag or a commit of a model repository is now.

        Raises:
            PinSourceError: no such repository or revision, gated, throttled, unreachable, or an answer that names no commit.
        """
        url = f"{self.hub}/api/models/{repository}/revision/{urllib.parse.quote(revision, safe='')}"
        answer = self._ask("GET", url, {}, self.hub_token)
        what = f"{repository} at {revision}"
        if answer.status != 200:
            raise PinSourceError(f"{what}: {_hub_refusal(answer)}")
        commit = _json_member(answer, "sha", what)
        if not COMMIT.fullmatch(commit):
            raise PinSourceError(f"{what}: {_host(self.hub)} answered {commit!r:.60}, which is no commit")
        return commit

    def digest(self, name: str, tag: str) -> str:
        """The digest of the index (or, where there is none, the manifest) that a tag is now.

        Args:
            name: registry and repository, "docker.io/vllm/vllm-openai".
            tag: the tag.

        Raises:
            PinSourceError: as for `commit`; a registry that wants a login counts as refusing.
        """
        registry, _, repository = name.partition("/")
        base = self.registries.get(registry) or REGISTRY_ADDRESSES.get(registry) or f"https://{registry}"
        url = f"{base}/v2/{repository}/manifests/{tag}"
        accept = {"Accept": ", ".join(MANIFEST_TYPES)}
        what, token = f"{name}:{tag}", None
        answer = self._ask("HEAD", url, accept)
        if answer.status == 401:
            token = self._registry_token(what, base, answer.headers.get("WWW-Authenticate", ""))
            answer = self._ask("HEAD", url, accept, token)
        if answer.status != 200:
            raise PinSourceError(f"{what}: {_registry_refusal(answer)}")
        digest = answer.headers.get("Docker-Content-Digest")
        if digest is None:  # the header is optional; the digest is the hash of the manifest's bytes by definition
            manifest = self._ask("GET", url, accept, token)
            if manifest.status != 200 or not manifest.body:
                raise PinSourceError(f"{what}: {_registry_refusal(manifest)}")
            digest = f"sha256:{sha256(manifest.body).hexdigest()}"
        if not DIGEST.fullmatch(digest):
            raise PinSourceError(f"{what}: {_host(base)} answered {digest!r:.80}, which is no digest")
        return digest

    def _registry_token(self, what: str, base: str, challenge: str) -> str:
        """An anonymous token from the service that the registry's challenge names."""
        parts: dict[str, str] = dict(CHALLENGE_PART.findall(challenge))
        realm = parts.pop("realm", "")
        if not challenge.lower().startswith("bearer ") or not realm:
            raise PinSourceError(f"{what}: {_host(base)} wants a login; take the digest from a machine with access")
        if urllib.parse.urlsplit(realm).scheme not in {"https", urllib.parse.urlsplit(base).scheme}:
            raise PinSourceError(f"{what}: {_host(base)} sends for a token to {realm!r:.80}, which is not https")
        query = urllib.parse.urlencode({key: parts[key] for key in ("service", "scope") if key in parts})
        answer = self._ask("GET", f"{realm}{'&' if '?' in realm else '?'}{query}", {})
        if answer.status != 200:
            raise PinSourceError(f"{what}: {_registry_refusal(answer)}")
        return _json_member(answer, "token", what, "access_token")

    def _ask(self, method: str, url: str, headers: Mapping[str, str], token: str | None = None) -> Answer:
        request = urllib.request.Request(url, headers=dict(headers), method=method)  # noqa: S310  the opener knows http and https alone
        request.add_header("User-Agent", "vllm-fleet")
        if token:  # unredirected: a redirect may lead to another host, which must not learn it
            request.add_unredirected_header("Authorization", f"Bearer {token}")
        try:
            with _opener().open(request, timeout=self.timeout_seconds) as response:
                body = response.read(MOST_BYTES + 1)
                if len(body) > MOST_BYTES:
                    raise PinSourceError(f"{_host(url)} answered with more than {MOST_BYTES} bytes, which is no description of a model or an image")
                return Answer(status=response.status, headers=response.headers, body=body)
        except urllib.error.HTTPError as error:
            with error:
                return Answer(status=error.code, headers=error.headers, body=b"")
        except (OSError, ValueError, http.client.HTTPException) as error:  # no route, no name, TLS, time-out, no HTTP, no address
            reason = getattr(error, "reason", None) or error
            words = "no answer in time" if isinstance(reason, TimeoutError) else str(reason) or type(reason).__name__
            raise UnreachableError(f"{_host(url)} cannot be reached: {words}; check the network and the proxy, then run it again") from None


def _opener() -> urllib.request.OpenerDirector:
    """An opener of http and https alone: an address from a server's answer must never open a local file."""
    opener = urllib.request.OpenerDirector()
    for handler in (
        urllib.request.ProxyHandler(),
        urllib.request.HTTPHandler(),
        urllib.request.HTTPSHandler(),
        urllib.request.HTTPRedirectHandler(),
        urllib.request.HTTPDefaultErrorHandler(),
        urllib.request.HTTPErrorProcessor(),
        urllib.request.UnknownHandler(),
    ):
        opener.add_handler(handler)
    return opener


def _json_member(answer: Answer, name: str, what: str, other_name: str = "") -> str:
    """A text member of a JSON answer, under either name."""
    try:
        value: object = json.loads(answer.body)
    except (ValueError, RecursionError):
        value = None
    members = cast("dict[str, object]", value) if isinstance(value, dict) else {}
    found = members.get(name) or members.get(other_name)
    if not isinstance(found, str):
        raise PinSourceError(f"{what}: the answer is no JSON object with {name!r}; is a proxy or a login page in between?")
    return found


def _hub_refusal(answer: Answer) -> str:
    """The hub's error codes, in words. It answers 401 for what does not exist as well, so that nobody can probe for names."""
    code = answer.headers.get("X-Error-Code", "")
    if code == "GatedRepo" or answer.status == 403:
        return "gated; accept its licence on the hub and set HF_TOKEN to a token of that account"
    if code == "RevisionNotFound":
        return "the repository has no such revision"
    if answer.status in {401, 404}:
        return "not found, or private; check the name, or set HF_TOKEN to a token that may read it"
    return _throttled_or_broken(answer)


def _registry_refusal(answer: Answer) -> str:
    if answer.status in {401, 403}:
        return "the registry refuses anonymous readers; take the digest from a machine with access"
    if answer.status == 404:
        return "no such image or tag"
    return _throttled_or_broken(answer)


def _throttled_or_broken(answer: Answer) -> str:
    if answer.status == 429:
        after = answer.headers.get("Retry-After")
        return f"too many requests; try again {f'in {after} s' if after else 'later'}"
    return f"HTTP status {answer.status}; try again later"


def _host(url: str) -> str:
    return urllib.parse.urlsplit(url).netloc or url
