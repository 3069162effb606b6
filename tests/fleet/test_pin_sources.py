"""The hub's and the registries' protocols, against a real HTTP server on loopback that speaks them."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from fleet.pin_sources import MOST_BYTES, PinSourceError, PinSources, UnreachableError
from tests.support.pin_services import Services, digest_of, running

pytestmark = pytest.mark.tooling

COMMIT = "a" * 40
DIGEST = f"sha256:{'c' * 64}"
IMAGE = ("registry.test/acme/engine", "v1")


@pytest.fixture
def services(monkeypatch: pytest.MonkeyPatch) -> Iterator[Services]:
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    with running() as found:
        found.commits = {"acme/open": COMMIT, "acme/gated": COMMIT}
        found.gated = {"acme/gated": "hf_secret"}
        found.digests = {"acme/engine:v1": DIGEST}
        yield found


def _sources(services: Services, **changes: object) -> PinSources:
    base: dict[str, object] = {"hub": services.base, "registries": {"registry.test": services.base}, "timeout_seconds": 5.0}
    return PinSources(**(base | changes))  # pyright: ignore[reportArgumentType]


def test_a_models_commit_is_the_sha_that_the_hub_gives_for_main(services: Services) -> None:
    assert _sources(services).commit("acme/open") == COMMIT, "the hub's sha is the commit"


def test_a_digest_is_asked_for_with_the_token_that_the_challenge_leads_to(services: Services) -> None:
    assert _sources(services).digest(*IMAGE) == DIGEST, "the digest of the index, which fits every platform"
    methods = [method for method, _, _ in services.asked("/v2/")]
    assert methods == ["HEAD", "HEAD"], "a manifest is never downloaded where its digest is in a header; pulls are counted by some registries"


def test_a_registry_without_the_digest_header_is_asked_for_the_manifest_which_is_hashed(services: Services) -> None:
    services.manifests = {"acme/engine:v1": b'{"schemaVersion": 2}'}
    assert _sources(services).digest(*IMAGE) == digest_of(b'{"schemaVersion": 2}'), "the digest is the hash of the bytes by definition"


def test_a_gated_model_opens_with_a_token_and_says_what_to_do_without(services: Services) -> None:
    with pytest.raises(PinSourceError, match="gated; accept its licence on the hub and set HF_TOKEN"):
        _sources(services).commit("acme/gated")
    assert _sources(services, hub_token="hf_secret").commit("acme/gated") == COMMIT, "the token opens it"


def test_the_hubs_token_is_sent_to_the_hub_alone(services: Services) -> None:
    with running() as elsewhere:
        elsewhere.commits = {"acme/open": COMMIT}
        path = "/api/models/acme/open/revision/main"
        services.refuse_with = {path: (307, {"Location": f"{elsewhere.base}{path}"})}
        sources = _sources(services, hub_token="hf_secret")
        assert sources.commit("acme/open") == COMMIT, "a redirect is followed"
        sources.digest(*IMAGE)
        assert all("authorization" not in headers for _, _, headers in elsewhere.requests), "another host must not learn the token"
    seen = [headers.get("authorization", "") for _, _, headers in services.asked("/v2/") + services.asked("/token")]
    assert not any("hf_secret" in header for header in seen), "a registry must not learn the hub's token"


def test_a_token_never_shows_in_what_is_printed_of_the_sources(services: Services) -> None:
    assert "hf_secret" not in repr(_sources(services, hub_token="hf_secret")), "a traceback or a log would show it"


@pytest.mark.parametrize(
    ("status", "headers", "words"),
    [
        (401, {"X-Error-Code": "RepoNotFound"}, "not found, or private"),
        (404, {}, "not found, or private"),
        (404, {"X-Error-Code": "RevisionNotFound"}, "no such revision"),
        (401, {"X-Error-Code": "GatedRepo"}, "gated"),
        (403, {}, "gated"),
        (429, {"Retry-After": "30"}, "too many requests; try again in 30 s"),
        (429, {}, "too many requests; try again later"),
        (503, {}, "HTTP status 503"),
    ],
)
def test_every_refusal_of_the_hub_is_one_line_that_names_the_model_and_the_reason(
    services: Services, status: int, headers: dict[str, str], words: str
) -> None:
    services.refuse_with = {"/api/models/acme/open/revision/main": (status, headers)}
    with pytest.raises(PinSourceError, match=f"^acme/open at main: .*{words}[^\n]*$"):
        _sources(services).commit("acme/open")


@pytest.mark.parametrize(
    ("status", "headers", "words"),
    [
        (404, {}, "no such image or tag"),
        (403, {}, "refuses anonymous readers"),
        (401, {"WWW-Authenticate": 'Basic realm="x"'}, "wants a login"),
        (401, {}, "wants a login"),
        (401, {"WWW-Authenticate": 'Bearer realm="file:///etc/passwd"'}, "which is not https"),
        (429, {"Retry-After": "60"}, "try again in 60 s"),
        (500, {}, "HTTP status 500"),
    ],
)
def test_every_refusal_of_a_registry_is_one_line_that_names_the_image_and_the_reason(
    services: Services, status: int, headers: dict[str, str], words: str
) -> None:
    services.refuse_with = {"/v2/acme/engine/manifests/v1": (status, headers)}
    with pytest.raises(PinSourceError, match=f"^registry.test/acme/engine:v1: .*{words}[^\n]*$"):
        _sources(services).digest(*IMAGE)


@pytest.mark.parametrize("body", [b"<html>log in</html>", b"[]", b"{}", b'{"sha": null}', b'{"sha": "main"}', b'{"sha": "', b"[" * 50_000, b""])
def test_an_answer_that_holds_no_commit_is_refused_and_never_written_down(services: Services, body: bytes) -> None:
    services.bodies = {"/api/models/acme/open/revision/main": body}
    with pytest.raises(PinSourceError, match=r"^acme/open at main: [^\n]*$"):
        _sources(services).commit("acme/open")


def test_an_answer_that_holds_no_digest_is_refused(services: Services) -> None:
    services.digests = {"acme/engine:v1": "sha256:short"}
    with pytest.raises(PinSourceError, match="which is no digest"):
        _sources(services).digest(*IMAGE)


def test_a_token_service_that_refuses_or_answers_no_token_is_said(services: Services) -> None:
    services.refuse_with = {"/token": (403, {})}
    with pytest.raises(PinSourceError, match="refuses anonymous readers"):
        _sources(services).digest(*IMAGE)
    services.refuse_with, services.bodies = {}, {"/token": b"{}"}
    with pytest.raises(PinSourceError, match="no JSON object with 'token'"):
        _sources(services).digest(*IMAGE)


def test_an_endless_answer_is_not_read_to_its_end(services: Services) -> None:
    services.bodies = {"/api/models/acme/open/revision/main": b" " * (MOST_BYTES + 1)}
    with pytest.raises(PinSourceError, match="more than"):
        _sources(services).commit("acme/open")


def test_a_service_that_never_answers_is_given_up_after_the_timeout(services: Services) -> None:
    with pytest.raises(UnreachableError, match="no answer in time"):
        _sources(services, hub=f"{services.base}/silent", timeout_seconds=0.1).commit("acme/open")


@pytest.mark.parametrize("address", ["http://127.0.0.1:1", "http://name.invalid", "ftp://127.0.0.1", "http://127.0.0.1:99999"])
def test_a_service_that_is_not_there_is_one_line(address: str) -> None:
    with pytest.raises(UnreachableError, match=r"cannot be reached: [^\n]*$"):
        PinSources(hub=address, timeout_seconds=1.0).commit("acme/open")
