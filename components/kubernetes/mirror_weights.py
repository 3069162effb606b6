"""Fill a weights cache once and keep it whole: run inside the engine image by the mirror Job, by the weekly audit with `--audit`,
and by serving pods with `--wait` as their gate.

Layout: what huggingface_hub expects under HF_HUB_CACHE, without symlinks, which object stores do not have:
`models--organisation--name/snapshots/<commit>/…`. The marker is written last, so a cache without it is not complete.
Every version of this script reads the markers of all earlier ones: it changes under caches and servers that stay.
"""

from __future__ import annotations

import argparse
import errno
import glob
import json
import os
import re
import shutil
import signal
import sys
import time
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from http import HTTPStatus
from pathlib import Path
from typing import Any

if __package__:
    from components.kubernetes import weights_objects
    from components.kubernetes.weights_files import Files, checksum, copy, settle, verify, wanted
    from components.kubernetes.weights_lock import POLL_SECONDS, writing
else:  # in a pod, where the files lie side by side and nothing else of this program
    import weights_objects  # pyright: ignore[reportMissingImports]
    from weights_files import Files, checksum, copy, settle, verify, wanted  # pyright: ignore[reportMissingImports]
    from weights_lock import POLL_SECONDS, writing  # pyright: ignore[reportMissingImports]

MARKER = ".complete.json"

READERS = 8
"""Files that are copied at once: one alone does not fill a machine's network."""

NO_ROOM = {errno.ENOSPC, errno.EDQUOT}

LEFT_OVER = re.compile(r"\.[0-9a-f]{8}\.incomplete$")
"""What the hub's client leaves of a download that was killed: a file of its own for each process, which no later one goes on with."""


def snapshot(cache: Path, model: str, revision: str) -> Path:
    """Folder of one revision."""
    return cache / f"models--{model.replace('/', '--')}" / "snapshots" / revision


def recorded(folder: Path) -> Files | str:
    """The files that the marker lists, or why it says nothing."""
    marker = folder / MARKER
    if not marker.is_file():
        return "no marker"
    try:
        listed = json.loads(marker.read_text(encoding="utf-8"))["files"]
        files: Files = {str(name): (int(size), digest) for name, (size, digest) in listed.items()}
    except (ValueError, KeyError, TypeError, AttributeError):
        return "the marker is damaged"
    return files or "the marker lists no file"


def complete(folder: Path) -> str | None:
    """Why the folder is not complete, or None: the marker is there and every file it lists has its size."""
    files = recorded(folder)
    if isinstance(files, str):
        return files
    changed = (name for name, (size, _) in files.items() if not (folder / name).is_file() or (folder / name).stat().st_size != size)
    return next((f"{name} is missing or has another size" for name in changed), None)


def mirror(cache: Path, model: str, revision: str, *, audit: bool = False, objects: bool = False) -> None:
    """Make the cache complete, and with `audit` look into files that seem to be: read each one and compare its checksum.

    With `objects` the cache takes files only as an object store does.

    What is damaged is deleted after the marker, so that no gate opens on it, and fetched again.

    Raises:
        SystemExit: the hub answers for another commit or has no weights, or a file differs from the hub's size or
            checksum; such a file is deleted, so that the next try fetches it again.
        OSError: of the hub or of the folder; `trouble` has the words for it.
    """
    folder, what = snapshot(cache, model, revision), f"{model}@{revision}"
    if not audit and complete(folder) is None:
        print(f"{what} is complete already")
        return
    with writing(folder, objects=objects):
        if not audit and complete(folder) is None:
            print(f"{what} is complete already: another writer was first")
            return
        files, damaged = recorded(folder), dict[str, str]()
        if isinstance(files, str):
            print(f"{what}: {files}: it is mirrored now", flush=True)
            files = {}
        else:
            damaged = differences(folder, files)
            if not damaged:
                print(f"{what}: every file is as it was mirrored ({len(files)} files{_by_size_alone(files)})")
                return
        for name, reason in damaged.items():
            print(f"{what}: {name}: {reason}: damaged", flush=True)
        (folder / MARKER).unlink(missing_ok=True)
        for name in damaged:
            (folder / name).unlink(missing_ok=True)
        if damaged:
            print(f"{what}: no new server starts from this cache until the {len(damaged)} damaged files are mirrored again", flush=True)
        whole = {name: record for name, record in files.items() if name not in damaged and record[1]}
        fill(folder, model, revision, whole, objects=objects)


def differences(folder: Path, files: Files) -> dict[str, str]:
    """What the marker says otherwise: file to how it differs. A file is read whole where its checksum is known."""
    found: dict[str, str] = {}
    for name, (size, digest) in files.items():
        actual = (folder / name).stat().st_size if (folder / name).is_file() else None
        if actual is None:
            found[name] = "is missing"
        elif actual != size:
            found[name] = f"has {actual} bytes instead of {size}"
        elif digest and checksum(folder / name) != digest:
            found[name] = "the checksum differs"
    return found


def _by_size_alone(files: Files) -> str:
    unknown = sum(digest is None for _, digest in files.values())
    return f", {unknown} of them by size alone, for the marker of an earlier version has no checksum" if unknown else ""


def fill(folder: Path, model: str, revision: str, whole: Mapping[str, tuple[int, str | None]], *, objects: bool) -> None:
    """Fetch what is not whole, compare it with what the hub says of it, and write the marker.

    Raises:
        SystemExit: as `mirror`, or the folder has no room for it.
    """
    from huggingface_hub import HfApi

    info = HfApi(token=os.environ.get("HF_TOKEN")).model_info(model, revision=revision, files_metadata=True)
    if info.sha != revision:
        raise SystemExit(f"{model}: the hub answers for commit {info.sha} instead of {revision}")
    siblings = {sibling.rfilename: sibling for sibling in info.siblings or []}
    files: Files = {name: whole[name] for name in wanted(siblings) if name in whole}
    missing = {name: siblings[name] for name in wanted(siblings) if name not in files}
    try:
        files |= weights_objects.fetch(folder, model, revision, missing) if objects else download(folder, model, revision, missing)
        text = json.dumps({"model": model, "revision": revision, "files": files})
        if objects:
            weights_objects.write(folder / MARKER, [text.encode()])
        else:
            partial = folder / f"{MARKER}.partial"
            partial.write_text(text, encoding="utf-8")
            settle(partial)
            partial.replace(folder / MARKER)
            settle(folder / MARKER)
    except OSError as error:
        if error.errno in NO_ROOM:
            raise SystemExit(f"{model}@{revision}: {_no_room(folder, sum(sibling.size or 0 for sibling in missing.values()))}") from None
        raise
    print(f"{model}@{revision}: {len(files)} files, {len(missing)} of them fetched")


def download(folder: Path, model: str, revision: str, siblings: Mapping[str, Any]) -> Files:
    """Files of the hub into a folder by the hub's own client, which goes on with what it has; each is compared when it is there."""
    from huggingface_hub import snapshot_download

    for left in (folder / ".cache").rglob("*.incomplete"):
        if LEFT_OVER.search(left.name):
            left.unlink(missing_ok=True)
    if siblings:
        patterns = [glob.escape(name) for name in siblings]
        snapshot_download(model, revision=revision, local_dir=folder, allow_patterns=patterns, token=os.environ.get("HF_TOKEN"))
    found: Files = {
        name: verify(folder / name, sibling.size, sibling.lfs.sha256 if sibling.lfs else None, sibling.blob_id) for name, sibling in siblings.items()
    }
    for name in found:
        settle(folder / name)
    shutil.rmtree(folder / ".cache", ignore_errors=True)
    return found


def copy_all(cache: Path, model: str, revision: str, other: Path) -> None:
    """Copy a complete cache to another folder, compared with the marker on the way. What is there already is left alone.

    Raises:
        SystemExit: the cache is not complete, or what was read is not what the marker says.
        OSError: of either folder.
    """
    source, target, started = snapshot(cache, model, revision), snapshot(other, model, revision), time.monotonic()
    files = recorded(source)
    if isinstance(files, str):
        raise SystemExit(f"{model}@{revision}: {files}: there is nothing to copy")
    try:
        with ThreadPoolExecutor(READERS) as pool:
            list(pool.map(lambda item: copy(source / item[0], target / item[0], *item[1]), files.items()))
        shutil.copyfile(source / MARKER, target / MARKER)
    except OSError as error:
        if error.errno in NO_ROOM:
            raise SystemExit(f"{model}@{revision}: {_no_room(other, sum(size for size, _ in files.values()))}") from None
        raise
    size_gib, seconds = sum(size for size, _ in files.values()) / 2**30, time.monotonic() - started
    print(f"{model}@{revision}: {len(files)} files, {size_gib:.1f} GiB, copied to {other} in {seconds:.0f} s")


def trouble(error: Exception, cache: Path, model: str, revision: str) -> str:
    """One line for what is mended elsewhere: what went wrong, where, and what to do."""
    what, status = f"{model}@{revision}", getattr(getattr(error, "response", None), "status_code", None)
    number, where = getattr(error, "errno", None), getattr(error, "filename", None)
    if status in {401, 403}:
        remedy = "accept the model's licence, and name a Secret with a token of that account in secrets.hub_token"
        return f"{what}: the hub refuses it or does not know it ({status}): {remedy}"
    if status == HTTPStatus.NOT_FOUND:
        return f"{what}: the hub has no such model or revision ({status}): correct models.….model or revision in the stack file"
    if number in NO_ROOM:
        return f"{what}: {_no_room(cache, None)}"
    if number in {errno.EACCES, errno.EPERM, errno.EROFS}:
        reason = f"{where or cache} cannot be written ({os.strerror(number)})"
        return f"{what}: {reason}: user {os.getuid()}, group {os.getgid()} must be able to write there; the next try goes on"
    if number and where:
        return f"{what}: {where}: {os.strerror(number)}: the next try goes on"
    hub, reason = os.environ.get("HF_ENDPOINT", "https://huggingface.co"), f"{type(error).__name__}: {error}".partition("\n")[0]
    return f"{what}: the hub at {hub} cannot be reached or fails ({reason}): the next try goes on"


def _no_room(folder: Path, needed_bytes: int | None) -> str:
    free = f"{shutil.disk_usage(folder).free / 2**20:,.0f} MiB free"
    needed = f"{needed_bytes / 2**20:,.0f} MiB to fetch, " if needed_bytes is not None else ""
    return f"no room in {folder} ({needed}{free}): make room or a larger volume, the next try goes on"


def _expected() -> tuple[type[Exception], ...]:
    """OSError, and whatever the hub's client calls a failure of its transport: that is another library in its next major version."""
    from huggingface_hub.errors import HfHubHTTPError

    return HfHubHTTPError.__bases__


def wait(cache: Path, model: str, revision: str, audit_name: str | None) -> None:
    """Return when the cache is complete. Nothing bounds the wait but the rollout's own deadline: weights take as long as they take."""
    folder, said = snapshot(cache, model, revision), ""
    while reason := complete(folder):
        if reason != said:
            print(f"waiting for {model}@{revision}: {reason}{_remedy(audit_name) if reason != 'no marker' else ''}", flush=True)
            said = reason
        time.sleep(POLL_SECONDS)


def _remedy(audit_name: str | None) -> str:
    """The command that mends a damaged cache, to copy."""
    namespace = os.environ.get("POD_NAMESPACE")
    where = f" -n {namespace}" if namespace else ""
    return f"; to mend it at once: kubectl{where} create job --from=cronjob/{audit_name} heal-now" if audit_name else ""


def main(arguments: list[str] | None = None) -> None:
    """`mirror_weights.py MODEL REVISION [--cache FOLDER] [[--audit] [--object-store] | --wait [--audit-name NAME] | --copy-to FOLDER]`."""
    # Process one of a container ignores a signal without a handler, and a waiting pod would outlive its whole grace period.
    signal.signal(signal.SIGTERM, lambda number, _: sys.exit(128 + number))
    parser = argparse.ArgumentParser()
    parser.add_argument("model")
    parser.add_argument("revision")
    parser.add_argument("--cache", type=Path, default=Path("/models"))
    parser.add_argument("--audit", action="store_true")
    parser.add_argument("--wait", action="store_true")
    parser.add_argument("--audit-name")
    parser.add_argument("--object-store", action="store_true")
    parser.add_argument("--copy-to", type=Path)
    options = parser.parse_args(arguments)
    if options.wait:
        wait(options.cache, options.model, options.revision, options.audit_name)
        return
    try:
        if options.copy_to:
            copy_all(options.cache, options.model, options.revision, options.copy_to)
        else:
            mirror(options.cache, options.model, options.revision, audit=options.audit, objects=options.object_store)
    except _expected() as error:
        raise SystemExit(trouble(error, options.cache, options.model, options.revision)) from None


if __name__ == "__main__":
    sys.exit(main())
