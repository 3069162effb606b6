"""The lock file, and the command that fills it from services on loopback."""

from __future__ import annotations

import json
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from fleet import cli
from fleet.lock import LOCK_FILE, LockFile, read, read_file, write_file
from fleet.presets import PRESETS
from fleet.problems import InputError
from fleet.versions import ENGINE_IMAGE, ENGINE_TAG
from tests.support.pin_services import Services, running

pytestmark = pytest.mark.tooling

COMMIT, NEWER = "a" * 40, "b" * 40
DIGEST, NEWER_DIGEST = f"sha256:{'c' * 64}", f"sha256:{'d' * 64}"
ENGINE = f"{ENGINE_IMAGE}:{ENGINE_TAG}"
ENGINE_PATH = ENGINE.removeprefix("docker.io/")

STACK = """
config:
  vllm-fleet:fleet:
    name: test
    clusters: {{east: {{cloud: existing, context: east, engine_image: "{image}"}}}}
    pools: {{l4: {{accelerator: L4, max_nodes: 1}}}}
    models:
      open: {{model: acme/open, pool: l4}}
      fixed: {{model: acme/fixed, revision: {commit}, pool: l4}}
      tiered: {{tier: small, pool: l4}}
"""


@pytest.fixture
def services(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Services]:
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    monkeypatch.delenv("HF_TOKEN", raising=False)
    monkeypatch.chdir(tmp_path)  # no stack file here unless a test writes one
    with running() as found:
        found.commits = {preset.model: COMMIT for preset in PRESETS.values()} | {"acme/open": COMMIT}
        found.digests = {ENGINE_PATH: DIGEST, "acme/engine:v1": DIGEST}
        yield found


def _write(path: Path, models: dict[str, str], images: dict[str, str]) -> Path:
    content = {
        "models": [{"model": name, "revision": pin, "seen_in": "a public file", "note": "kept"} for name, pin in models.items()],
        "images": [{"image": name, "digest": pin, "seen_in": "a public file"} for name, pin in images.items()],
    }
    path.write_text(json.dumps(content), encoding="utf-8")
    return path


def _lock(services: Services, *more: str) -> int:
    registries = [f"--registry={name}={services.base}" for name in ("docker.io", "registry.test")]
    return cli.main(["lock", "--lock-file", "lock.json", "--hub", services.base, *registries, "--timeout-seconds", "5", *more])


def test_what_is_missing_is_resolved_and_written_with_where_it_was_seen(services: Services, tmp_path: Path) -> None:
    assert _lock(services) == 0, "everything needed was resolved"
    lock = read(tmp_path / "lock.json")
    assert lock.image(ENGINE_IMAGE, ENGINE_TAG) == DIGEST, "the engine image is needed by every fleet"
    assert all(lock.revision(preset.model) == COMMIT for preset in PRESETS.values()), "so are the models of the tiers"
    entries = read_file(tmp_path / "lock.json").models
    assert all(services.base in entry["seen_in"] for entry in entries), "who said so is written beside each"


def test_what_is_locked_already_is_left_alone_and_not_even_asked_for(services: Services, tmp_path: Path) -> None:
    model = PRESETS["small"].model
    _write(tmp_path / "lock.json", {model: NEWER}, {})
    assert _lock(services) == 0, "the rest was resolved"
    assert read(tmp_path / "lock.json").revision(model) == NEWER, "a lock that moves by itself is no lock"
    assert not services.asked(f"/api/models/{model}/"), "nobody needs to know"
    assert read_file(tmp_path / "lock.json").models[0]["note"] == "kept", "writing the file loses nothing that it said"


def test_an_update_takes_what_has_moved_of_the_names_it_is_given(services: Services, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    small, medium = PRESETS["small"].model, PRESETS["medium"].model
    _write(tmp_path / "lock.json", {small: NEWER, medium: NEWER}, {ENGINE: NEWER_DIGEST})
    assert _lock(services, "--update", small) == 0, "it moved"
    lock = read(tmp_path / "lock.json")
    assert (lock.revision(small), lock.revision(medium)) == (COMMIT, NEWER), "only the named one moves"
    assert f"resolved  {small}  {COMMIT}" in capsys.readouterr().out, "a person sees what moved"
    assert _lock(services, "--update") == 0, "all of it"
    assert read(tmp_path / "lock.json").revision(medium) == COMMIT, "now everything moved"
    assert read(tmp_path / "lock.json").image(ENGINE_IMAGE, ENGINE_TAG) == DIGEST, "images as well"


def test_stack_files_in_the_directory_say_what_else_is_needed(services: Services, tmp_path: Path) -> None:
    (tmp_path / "Pulumi.test.yaml").write_text(STACK.format(image="registry.test/acme/engine:v1", commit=COMMIT))
    assert _lock(services) == 0, "all of it can be resolved"
    lock = read(tmp_path / "lock.json")
    assert lock.revision("acme/open") == COMMIT, "the stack file names it without a revision"
    assert lock.revision("acme/fixed") is None, "the stack file pins this one itself"
    assert lock.image("registry.test/acme/engine", "v1") == DIGEST, "another engine image is pinned like ours"


def test_names_given_as_options_are_resolved_too(services: Services, tmp_path: Path) -> None:
    assert _lock(services, "--model", "acme/open", "--image", "registry.test/acme/engine:v1") == 0, "both exist"
    lock = read(tmp_path / "lock.json")
    assert (lock.revision("acme/open"), lock.image("registry.test/acme/engine", "v1")) == (COMMIT, DIGEST), "both are locked"


def test_a_check_writes_nothing_and_says_what_is_unresolved_stale_and_gone(
    services: Services, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    services.commits |= {"acme/moved": NEWER, "acme/rewritten": NEWER}
    services.old_commits = {"acme/moved": [COMMIT]}
    path = _write(
        tmp_path / "lock.json", {"acme/open": COMMIT, "acme/moved": COMMIT, "acme/rewritten": COMMIT}, {"registry.test/acme/engine:v1": NEWER_DIGEST}
    )
    before = path.read_bytes()
    assert _lock(services, "--check") == 1, "the answer is no"
    shown = capsys.readouterr()
    assert path.read_bytes() == before, "a check never writes"
    assert "current   acme/open" in shown.out, "what is current is said"
    assert f"acme/moved: stale, locked {COMMIT}, now {NEWER}" in shown.err, "main has moved on"
    assert f"acme/rewritten at {COMMIT}: the repository has no such revision" in shown.err, "nobody could mirror this commit again"
    assert f"registry.test/acme/engine:v1: stale, locked {NEWER_DIGEST}, now {DIGEST}" in shown.err, "the tag was pushed again"
    assert f"{ENGINE}: unresolved; run `python -m fleet lock`" in shown.err, "needed and not locked"


def test_a_check_of_what_is_complete_and_current_says_yes(services: Services) -> None:
    assert _lock(services) == 0, "resolved"
    assert _lock(services, "--check") == 0, "and current"


def test_what_cannot_be_resolved_is_said_never_invented_and_holds_up_nothing_else(
    services: Services, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    del services.digests[ENGINE_PATH]
    assert _lock(services, "--model", "acme/nothing") == 1, "two names failed"
    shown = capsys.readouterr().err
    assert f"{ENGINE}: no such image or tag" in shown, "which, and why"
    assert "acme/nothing at main: not found, or private" in shown, "all failures at once"
    lock = read(tmp_path / "lock.json")
    assert lock.image(ENGINE_IMAGE, ENGINE_TAG) is None, "nothing was made up"
    assert lock.revision(PRESETS["small"].model) == COMMIT, "what was answered is written"


def test_a_service_that_does_not_answer_is_asked_once(services: Services, capsys: pytest.CaptureFixture[str]) -> None:
    assert _lock(services, "--hub", "http://127.0.0.1:1") == 1, "no model was resolved"
    shown = capsys.readouterr().err
    assert shown.count("cannot be reached") == 1, "one wait, not one for every model"
    assert f"not asked for the same reason: {PRESETS['small'].model}" in shown, "and it is said which were not asked for"


def test_an_unconfirmed_entry_does_not_count_as_locked(services: Services, tmp_path: Path) -> None:
    model = PRESETS["small"].model
    entry = {"model": model, "revision": NEWER, "seen_in": "one file", "confirmed": False}
    (tmp_path / "lock.json").write_text(json.dumps({"models": [entry], "images": []}))
    assert read(tmp_path / "lock.json").revision(model) is None, "the hub also serves commits that anybody proposed"
    assert _lock(services) == 0, "the hub was asked"
    assert read(tmp_path / "lock.json").revision(model) == COMMIT, "and its answer took the place of the entry"
    assert [entry["model"] for entry in read_file(tmp_path / "lock.json").models].count(model) == 1, "one entry for each name"


@pytest.mark.parametrize(
    ("option", "value", "words"),
    [
        ("--model", "no-organisation", "organisation/name"),
        ("--model", "a/b/../c", "organisation/name"),
        ("--image", "vllm/vllm-openai:v1", "registry/name:tag"),
        ("--image", "docker.io/vllm/vllm-openai", "registry/name:tag"),
        ("--hub", "file:///etc/passwd", "http or https"),
        ("--registry", "docker.io", "http or https"),
        ("--registry", "=http://127.0.0.1", "no registry"),
        ("--timeout-seconds", "0", "0 to 3600"),
        ("--timeout-seconds", "nan", "0 to 3600"),
        ("--update", "acme/never", "is not locked"),
        ("--stack-file", "absent.yaml", "absent.yaml"),
    ],
)
def test_a_wrong_option_is_refused_with_its_name_value_and_a_remedy(
    services: Services, capsys: pytest.CaptureFixture[str], option: str, value: str, words: str
) -> None:
    assert _lock(services, option, value) == 2, "the input is wrong"
    shown = capsys.readouterr().err
    assert words in shown, "what would be right"
    assert value in shown, "what was given"
    assert not services.requests, "refused before anything is asked"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        "[]",
        "null",
        '{"models": 1, "images": []}',
        '{"models": [1], "images": []}',
        '{"models": [{"model": "a/b", "revision": "main"}], "images": []}',
        "[" * 50_000,
    ],
)
def test_a_damaged_lock_file_is_refused_with_a_remedy(tmp_path: Path, text: str) -> None:
    path = tmp_path / "lock.json"
    path.write_text(text)
    with pytest.raises(InputError, match="python -m fleet lock"):
        read(path)


@pytest.mark.parametrize("pin", [f"{COMMIT}\n", COMMIT.upper(), "g" * 40, COMMIT[:-1], f"{COMMIT}0"])
def test_only_a_whole_commit_is_a_commit(tmp_path: Path, pin: str) -> None:
    with pytest.raises(InputError, match="neither a commit nor a digest"):
        read(_write(tmp_path / "lock.json", {"acme/open": pin}, {}))


def test_an_absent_lock_file_locks_nothing(tmp_path: Path) -> None:
    assert read(tmp_path / "absent.json").revision("acme/open") is None, "unresolved, not an error"


def test_a_lock_file_that_cannot_be_written_is_one_line_and_leaves_no_partial_file(tmp_path: Path) -> None:
    folder = tmp_path / "lock.json"
    folder.mkdir()
    with pytest.raises(InputError, match="cannot be written"):
        write_file(folder, LockFile())
    assert [path.name for path in tmp_path.iterdir()] == ["lock.json"], "no half-written file stays behind"
    with pytest.raises(InputError, match="cannot be written"):
        write_file(tmp_path / "absent" / "lock.json", LockFile())


def test_writing_keeps_the_mode_of_the_file(tmp_path: Path) -> None:
    path = _write(tmp_path / "lock.json", {}, {})
    path.chmod(0o600)
    write_file(path, read_file(path))
    assert stat.S_IMODE(path.stat().st_mode) == 0o600, "a new file in its place must not open it to others"


def test_the_shipped_lock_is_written_as_the_command_writes_it_and_says_where_each_pin_was_seen(tmp_path: Path) -> None:
    content = read_file(LOCK_FILE)
    unseen = [entry for entry in (*content.models, *content.images) if not entry.get("seen_in")]
    assert not unseen, f"an identifier without a source was made up: {unseen}"
    write_file(tmp_path / "lock.json", content)
    assert (tmp_path / "lock.json").read_bytes() == LOCK_FILE.read_bytes(), "the command would rewrite lines that nobody changed"


def test_every_tier_has_a_locked_revision_out_of_the_box() -> None:
    unlocked = [preset.model for preset in PRESETS.values() if read(LOCK_FILE).revision(preset.model) is None]
    assert not unlocked, f"a stack file that names these tiers is refused: {unlocked}"
