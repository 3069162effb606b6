"""Weights from the local hub into a cache: the real client of the hub in the script that pods run, and everything that goes wrong."""

from __future__ import annotations

import json
import os
import struct
from collections.abc import Iterator
from pathlib import Path

import httpx2
import pytest

from components.kubernetes.mirror_weights import MARKER, complete
from local.hub_models import fill
from tests.support.hub_mirror import MODEL, NEEDED, OTHER_SHARD, REVISION, SHARD, SMALL, Mirror

pytestmark = pytest.mark.tooling

AN_HOUR_SECONDS = 3600


@pytest.fixture
def mirror(tmp_path: Path) -> Iterator[Mirror]:
    found = Mirror(tmp_path)
    yield found
    found.close()


@pytest.fixture
def whole(mirror: Mirror) -> Mirror:
    """A mirror whose cache is complete, with a log that starts now."""
    status, said = mirror.run()
    assert status == 0, said
    (mirror.hub.folder.parent / "requests").unlink()
    return mirror


def test_a_mirror_holds_what_serving_reads_once_and_a_marker(mirror: Mirror) -> None:
    status, said = mirror.run()
    assert status == 0, said
    assert mirror.present() == NEEDED | {MARKER}, "no second copy of the weights, nothing of the download is left behind"
    assert complete(mirror.folder) is None, "the gate opens"
    assert mirror.folder == mirror.cache / "models--acme--tiny" / "snapshots" / REVISION, "where the engine looks when it is offline"
    assert set(mirror.fetched()) == NEEDED, "what is left out is not even asked for"
    assert all((mirror.folder / name).read_bytes() == mirror.original(name) for name in NEEDED), "byte by byte"
    assert not mirror.lock.exists(), "nobody writes any more"


def test_a_second_run_asks_the_hub_nothing(whole: Mirror) -> None:
    status, said = whole.run()
    assert status == 0, said
    assert "complete already" in said, "a Job that is run again leaves a complete cache alone"
    assert whole.requests() == [], "and works while the hub is down"


def test_a_mirror_that_is_killed_in_the_middle_has_no_marker_and_the_next_goes_on(mirror: Mirror) -> None:
    mirror.killed_in_the_middle_of(SHARD)
    assert complete(mirror.folder) == "no marker", "half a cache opens no gate"
    assert list((mirror.folder / ".cache").rglob("*.incomplete")), "the client leaves a part that no later process goes on with"
    kept = {name for name in NEEDED if (mirror.folder / f".cache/huggingface/download/{name}.metadata").exists()}
    status, said = mirror.run()
    assert status == 0, said
    assert mirror.present() == NEEDED | {MARKER}, "the rest was fetched, and the part is gone"
    assert {name: count for name, count in mirror.fetched().items() if name in kept and count > 1} == {}, "what was there was not fetched again"
    assert "taking over" in said, "the lock of its own pod's earlier try is no obstacle"


def test_a_connection_that_breaks_in_the_middle_goes_on_where_it_was(mirror: Mirror) -> None:
    name = "vocabulary.txt"  # larger than the pieces of 10 MiB in which the client writes
    (mirror.hub.folder / MODEL / REVISION / name).write_bytes(bytes(range(256)) * 50_000)
    mirror.hub.cut_once = {name: 11 * 2**20}
    status, said = mirror.run()
    assert status == 0, said
    answers = [line.split()[2] for line in mirror.requests() if line.startswith("GET") and name in line]
    assert answers == ["200", "206"], "the second request asks for the rest alone"
    assert (mirror.folder / name).read_bytes() == mirror.original(name), "put together right"


@pytest.mark.parametrize("name", [SHARD, SMALL])
def test_a_file_that_arrives_damaged_is_deleted_and_the_gate_stays_shut(mirror: Mirror, name: str) -> None:
    mirror.hub.damaged = {name}
    status, said = mirror.run()
    assert status == 1, "the Job tries again"
    assert f"{name}: the checksum differs" in said, "large files by SHA-256, small ones by their git blob"
    assert "Traceback" not in said, "in words"
    assert not (mirror.folder / name).exists(), "or the next try would keep it"
    assert complete(mirror.folder) == "no marker", "nothing is served from it"
    mirror.hub.damaged = set()
    assert mirror.run()[0] == 0, "the next try heals it"
    assert (mirror.folder / name).read_bytes() == mirror.original(name), "with the right content"


@pytest.mark.parametrize("flags", [(), ("--audit",)], ids=["mirror", "audit"])
@pytest.mark.parametrize("how", ["cut short", "lost"])
def test_a_cache_whose_file_was_cut_short_or_lost_is_mended_with_that_file_alone(whole: Mirror, how: str, flags: tuple[str, ...]) -> None:
    if how == "lost":
        (whole.folder / SHARD).unlink()
    else:
        os.truncate(whole.folder / SHARD, 1000)
    assert complete(whole.folder) == f"{SHARD} is missing or has another size", "the gate sees it"
    status, said = whole.run(*flags)
    assert status == 0, said
    assert f"{SHARD}: " in said, "its log says which file"
    assert whole.fetched() == {SHARD: 1}, "the others are kept"
    assert complete(whole.folder) is None, "and the gate opens"
    assert (whole.folder / SHARD).read_bytes() == whole.original(SHARD), "with the right content"


@pytest.mark.parametrize("name", [SHARD, SMALL])
def test_a_wrong_bit_is_found_by_the_audit_alone_and_healed(whole: Mirror, name: str) -> None:
    whole.spoil(name)
    assert complete(whole.folder) is None, "a gate compares sizes: reading every file would take as long as loading it"
    status, said = whole.run("--audit")
    assert status == 0, said
    assert f"{name}: the checksum differs: damaged" in said, "large or small"
    assert whole.fetched() == {name: 1}, "that one is fetched again"
    assert (whole.folder / name).read_bytes() == whole.original(name), "and is right"
    assert whole.run("--audit")[1].count("every file is as it was mirrored") == 1, "the next audit is content"


def test_while_damage_is_healed_no_gate_opens(whole: Mirror) -> None:
    whole.spoil(SHARD)
    whole.hub.stalled = SHARD
    audit = whole.start("--audit")
    assert whole.hub.reached.wait(60), "it is being fetched"
    assert complete(whole.folder) == "no marker", "the marker went first"
    assert not (whole.folder / SHARD).exists(), "then the damaged file"
    whole.hub.released.set()
    assert audit.wait(60) == 0, "healed"
    assert complete(whole.folder) is None, "and open again"


def test_an_audit_of_a_whole_cache_needs_no_hub(whole: Mirror) -> None:
    status, said = whole.run("--audit")
    assert status == 0, said
    assert f"every file is as it was mirrored ({len(NEEDED)} files)" in said, "it says so"
    assert whole.requests() == [], "the marker holds every checksum"


def test_an_audit_that_cannot_heal_says_why_and_leaves_the_gate_shut(whole: Mirror) -> None:
    whole.spoil(SHARD)
    status, said = whole.run("--audit", hub="http://127.0.0.1:9")
    assert status == 1, "tried again"
    assert "cannot be reached" in said, "what hindered it"
    assert complete(whole.folder) == "no marker", "no server starts on wrong weights"
    assert whole.run("--audit")[0] == 0, "the next try goes on"
    assert whole.fetched()[SHARD] == 1, "with what was damaged"


@pytest.mark.parametrize("text", [None, "{", '{"files": {}}'])
def test_a_lost_or_damaged_marker_is_written_again_and_no_weights_are_fetched_for_it(whole: Mirror, text: str | None) -> None:
    marker = whole.folder / MARKER
    marker.unlink()
    if text is not None:
        marker.write_text(text, encoding="utf-8")
    status, said = whole.run("--audit")
    assert status == 0, said
    assert complete(whole.folder) is None, "whole again"
    assert not {SHARD, OTHER_SHARD} & set(whole.fetched()), "the hub's checksums prove what lies there"


def test_a_marker_of_the_first_version_is_read_and_its_small_files_are_judged_by_size(whole: Mirror) -> None:
    marker = whole.folder / MARKER
    record = json.loads(marker.read_text(encoding="utf-8"))
    record["files"] = {name: [size, digest if name.endswith(".safetensors") else None] for name, (size, digest) in record["files"].items()}
    marker.write_text(json.dumps(record), encoding="utf-8")
    status, said = whole.run("--audit")
    assert status == 0, said
    assert "5 of them by size alone" in said, "it had checksums of large files only, and the log does not claim more"
    whole.spoil(SHARD)
    assert "the checksum differs: damaged" in whole.run("--audit")[1], "these are compared"


def test_a_revision_that_the_hub_does_not_have_is_one_line(mirror: Mirror) -> None:
    status, said = mirror.run(revision="d" * 40)
    assert status == 1, "there is nothing to fetch"
    assert "the hub has no such model or revision (404)" in said, "what is wrong"
    assert "Traceback" not in said, "in words"


def test_another_commit_than_the_asked_one_is_refused(mirror: Mirror) -> None:
    mirror.hub.answers_for = "d" * 40
    status, said = mirror.run()
    assert status == 1, "a revision that moved is no revision"
    assert f"the hub answers for commit {'d' * 40} instead of {REVISION}" in said, "what was asked for"
    assert not mirror.fetched(), "nothing was fetched"


def test_a_gated_model_needs_the_token_of_the_environment(mirror: Mirror) -> None:
    mirror.hub.token = "hf_of_a_test"
    status, said = mirror.run()
    assert status == 1, "without it the hub refuses"
    assert "(401)" in said, "what it answered"
    assert "secrets.hub_token" in said, "and what to do"
    assert "Traceback" not in said, "in words"
    status, said = mirror.run(token="hf_of_a_test")
    assert status == 0, said
    assert "hf_of_a_test" not in said, "and it is never printed"


def test_a_hub_that_cannot_be_reached_is_one_line(mirror: Mirror) -> None:
    status, said = mirror.run(hub="http://127.0.0.1:9")
    assert status == 1, "the Job tries again"
    assert "the hub at http://127.0.0.1:9 cannot be reached" in said, "where"
    assert "Traceback" not in said, "in words"


def test_two_writers_take_turns_and_the_second_finds_the_work_done(mirror: Mirror) -> None:
    mirror.hub.stalled = SHARD
    first = mirror.start(pod="one")
    assert mirror.hub.reached.wait(60), "the first is writing"
    second = mirror.start("--audit", pod="two")
    assert second.stdout is not None, "a pipe"
    assert "waiting: " in second.stdout.readline(), "the second does not touch it"
    mirror.hub.released.set()
    assert first.wait(60) == 0, "the first ends"
    output, errors = second.communicate(timeout=60)
    assert second.returncode == 0, errors
    assert "every file is as it was mirrored" in output, "the second looks at what the first wrote"
    assert set(mirror.fetched().values()) == {1}, "nothing was fetched twice"


def test_the_lock_of_a_writer_that_is_gone_is_taken_over(mirror: Mirror) -> None:
    mirror.folder.mkdir(parents=True)
    mirror.lock.write_text("another pod", encoding="utf-8")
    long_ago = mirror.lock.stat().st_mtime - AN_HOUR_SECONDS
    os.utime(mirror.lock, (long_ago, long_ago))
    status, said = mirror.run()
    assert status == 0, said
    assert "taking over from another pod, whose last sign of life is 3600 s old" in said, "whose, and why"
    assert not mirror.lock.exists(), "and leaves none behind"


def test_models_are_the_same_every_time_and_what_is_there_stays(tmp_path: Path) -> None:
    caches = [(MODEL, REVISION), (MODEL, "d" * 40)]
    fill(tmp_path / "one", caches)
    fill(tmp_path / "two", caches, {MODEL: {"simulator.json": b"{}"}})
    ours, theirs = tmp_path / "one" / MODEL / REVISION, tmp_path / "two" / MODEL / REVISION
    assert (ours / SHARD).read_bytes() == (theirs / SHARD).read_bytes(), "the same revision is the same content"
    assert (ours / SHARD).read_bytes() != (ours.with_name("d" * 40) / SHARD).read_bytes(), "another revision is other content"
    assert (theirs / "simulator.json").read_bytes() == b"{}", "further files are there as well"
    (ours / SMALL).write_text("changed by hand", encoding="utf-8")
    fill(tmp_path / "one", caches)
    assert (ours / SMALL).read_text(encoding="utf-8") == "changed by hand", "nothing is written twice"
    assert [path.name for path in (tmp_path / "one").iterdir()] == ["acme"], "nothing unfinished is left"


def test_the_weights_are_safetensors_that_their_index_finds(tmp_path: Path) -> None:
    fill(tmp_path, [(MODEL, REVISION)])
    folder = tmp_path / MODEL / REVISION
    index = json.loads((folder / "model.safetensors.index.json").read_text(encoding="utf-8"))
    found: dict[str, str] = {}
    for name in (OTHER_SHARD, SHARD):
        content = (folder / name).read_bytes()
        (length,) = struct.unpack("<Q", content[:8])
        header = json.loads(content[8 : 8 + length])
        assert header.pop("__metadata__") == {"format": "pt"}, "what loaders ask for"
        ends = [tensor["data_offsets"][1] for tensor in header.values()]
        assert 8 + length + max(ends) == len(content), "the data fill the file"
        found |= dict.fromkeys(header, name)
    assert found == index["weight_map"], "every tensor is where the index says"


def test_the_hub_serves_nothing_outside_its_folder(mirror: Mirror, tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("not for the hub", encoding="utf-8")
    for path in (f"/{MODEL}/resolve/{REVISION}/%2e%2e/%2e%2e/%2e%2e/%2e%2e/secret", f"/{MODEL}/resolve/%2e%2e/tiny/x", "/secret"):
        assert httpx2.get(f"{mirror.hub.url}{path}").status_code == 404, f"{path} leads out of it"
