"""The lock against a real HTTP server on loopback that speaks the hub's and the registries' protocols."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from fleet import cli
from fleet.lock import LOCK_FILE, read
from fleet.problems import InputError
from fleet.resolvers import Unresolvable, image_digest, model_revision

pytestmark = pytest.mark.pure

COMMIT = "a" * 40
NEWER = "b" * 40
DIGEST = f"sha256:{'c' * 64}"


class Services(BaseHTTPRequestHandler):
    """A model hub and an image registry that wants a token first."""

    def do_GET(self) -> None:
        path = self.path.partition("?")[0]
        if path == "/token":
            self._answer(200, {"token": "pull"})
        elif path == "/api/models/acme/open/revision/main":
            self._answer(200, {"sha": NEWER})
        elif path == "/api/models/acme/gated/revision/main":
            allowed = self.headers.get("Authorization") == "Bearer secret"
            self._answer(200 if allowed else 403, {"sha": COMMIT})
        elif path == "/api/models/acme/busy/revision/main":
            self._answer(429, {}, {"Retry-After": "30"})
        elif path == "/api/models/acme/page/revision/main":
            self._answer(200, None)
        else:
            self._answer(404, {})

    def do_HEAD(self) -> None:
        if self.headers.get("Authorization") != "Bearer pull":
            realm = f"http://127.0.0.1:{self.server.server_address[1]}/token"
            self._answer(401, {}, {"WWW-Authenticate": f'Bearer realm="{realm}",service="registry",scope="repository:pull"'})
        elif self.path == "/v2/acme/engine/manifests/v1" and "oci.image.index" in self.headers["Accept"]:
            self._answer(200, {}, {"Docker-Content-Digest": DIGEST})
        else:
            self._answer(404, {})

    def _answer(self, code: int, body: object, headers: dict[str, str] | None = None) -> None:
        text = b"<html>" if body is None else json.dumps(body).encode()
        self.send_response(code)
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(text)

    def log_message(self, *_: object) -> None:
        """Quiet."""


@pytest.fixture
def services() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Services)
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_address[1]}"
    server.shutdown()
    server.server_close()


def test_a_models_commit_is_what_the_hub_says_main_is(services: str) -> None:
    assert model_revision(services, "acme/open") == NEWER, "the hub's sha is the commit"


def test_a_gated_model_is_resolved_with_a_token_only(services: str) -> None:
    with pytest.raises(Unresolvable, match="gated"):
        model_revision(services, "acme/gated")
    assert model_revision(services, "acme/gated", "secret") == COMMIT, "the token opens it"


def test_a_digest_is_asked_for_with_the_token_that_the_registry_hands_out(services: str) -> None:
    assert image_digest("docker.io/acme/engine:v1", services) == DIGEST, "the index digest in the answer's header"


@pytest.mark.parametrize(
    ("model", "reason"),
    [("acme/none", "no such name"), ("acme/busy", "in 30 s"), ("acme/page", "not JSON")],
)
def test_every_failure_of_the_hub_is_one_line_that_says_why(services: str, model: str, reason: str) -> None:
    with pytest.raises(Unresolvable, match=reason):
        model_revision(services, model)


def test_a_service_that_is_not_there_is_one_line_too() -> None:
    with pytest.raises(Unresolvable, match="no answer"):
        model_revision("http://127.0.0.1:1", "acme/open")


def _lock_file(folder: Path) -> Path:
    path = folder / "lock.json"
    models = [{"model": "acme/open", "revision": COMMIT, "seen_in": "here"}]
    path.write_text(json.dumps({"models": models, "images": [{"image": "docker.io/acme/engine:v1", "digest": DIGEST, "seen_in": "here"}]}))
    return path


def _run(services: str, path: Path, *more: str) -> int:
    only = ["--only", "acme/open", "--only", "docker.io/acme/engine:v1"]
    return cli.main(["lock", "--lock", str(path), "--hub", services, "--registry", services, *only, *more])


def test_the_command_writes_what_changed_and_where_it_was_seen(services: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = _lock_file(tmp_path)
    assert _run(services, path) == 0, "everything asked for was resolved"
    assert f"acme/open: {COMMIT} is now {NEWER}" in capsys.readouterr().out, "a person sees what moved"
    assert read(path).revision("acme/open") == NEWER, "the file holds the new commit"
    assert _run(services, path, "--check") == 0, "nothing is stale any more"


def test_checking_writes_nothing_and_says_no_where_a_name_moved(services: str, tmp_path: Path) -> None:
    path = _lock_file(tmp_path)
    before = path.read_text()
    assert _run(services, path, "--check") == 1, "main has moved"
    assert path.read_text() == before, "a check never writes"


def test_what_cannot_be_resolved_is_said_and_never_invented(services: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "lock.json"
    path.write_text(json.dumps({"models": [{"model": "acme/gone", "revision": COMMIT, "seen_in": "here"}], "images": []}))
    assert cli.main(["lock", "--lock", str(path), "--hub", services, "--registry", services, "--only", "acme/gone"]) == 1, "it failed"
    assert "acme/gone: unresolved: there is no such name" in capsys.readouterr().err, "in words"
    assert read(path).revision("acme/gone") == COMMIT, "the last known commit stays"


@pytest.mark.parametrize("text", ["{", "[]", '{"models": [{"model": "a/b", "revision": "main"}], "images": []}', '{"models": 1}'])
def test_a_damaged_lock_file_is_refused_with_a_remedy(tmp_path: Path, text: str) -> None:
    path = tmp_path / "lock.json"
    path.write_text(text)
    with pytest.raises(InputError, match="python -m fleet lock"):
        read(path)


def test_the_shipped_lock_holds_commits_and_digests_only_and_says_where_each_was_seen() -> None:
    read(LOCK_FILE)
    document = json.loads(LOCK_FILE.read_text())
    unseen = [entry for kind in ("models", "images") for entry in document[kind] if not entry.get("seen_in")]
    assert not unseen, f"an identifier without a source was made up: {unseen}"
