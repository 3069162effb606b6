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
import hashlib
import json
import os
import re
import shutil
import signal
import sys
import time
from collections.abc import Iterable, Mapping
from http import HTTPStatus
from pathlib import Path, PurePosixPath

if __package__:
    from components.kubernetes.weights_lock import POLL_SECONDS, writing
else:  # in a pod, where both files lie side by side and nothing else of this program
    from weights_lock import POLL_SECONDS, writing  # pyright: ignore[reportMissingImports]

MARKER = ".complete.json"
CHUNK_BYTES = 16 * 1024 * 1024

FORMATS = (".safetensors", ".bin", ".pt")
"""Weights as the engine looks for them, best first: of several in one folder it reads the first."""

OTHER_FORMATS = (".pth", ".gguf", ".onnx", ".h5", ".msgpack", ".ot", ".tflite")
OTHER_RUNTIMES = ("original", "metal", "onnx", "openvino", "coreml")
"""Folders that hold the same weights once more: gpt-oss-120b would be three times its size."""

NO_ROOM = {errno.ENOSPC, errno.EDQUOT}

LEFT_OVER = re.compile(r"\.[0-9a-f]{8}\.incomplete$")
"""What the hub's client leaves of a download that was killed: a file of its own for each process, which no later one goes on with."""

Files = dict[str, tuple[int, str | None]]
"""File to size in bytes and SHA-256; markers of the first version have none for small files."""


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


def mirror(cache: Path, model: str, revision: str, *, audit: bool = False) -> None:
    """Make the cache complete, and with `audit` look into files that seem to be: read each one and compare its checksum.

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
    with writing(folder):
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
        fill(folder, model, revision, {name: record for name, record in files.items() if name not in damaged and record[1]})


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


def fill(folder: Path, model: str, revision: str, whole: Mapping[str, tuple[int, str | None]]) -> None:
    """Fetch what is not whole, compare it with what the hub says of it, and write the marker.

    Raises:
        SystemExit: as `mirror`, or the folder has no room for it.
    """
    from huggingface_hub import HfApi, snapshot_download

    token = os.environ.get("HF_TOKEN")
    info = HfApi(token=token).model_info(model, revision=revision, files_metadata=True)
    if info.sha != revision:
        raise SystemExit(f"{model}: the hub answers for commit {info.sha} instead of {revision}")
    siblings = {sibling.rfilename: sibling for sibling in info.siblings or []}
    files: Files = {name: whole[name] for name in wanted(siblings) if name in whole}
    missing = [name for name in wanted(siblings) if name not in files]
    for left in (folder / ".cache").rglob("*.incomplete"):
        if LEFT_OVER.search(left.name):
            left.unlink(missing_ok=True)
    try:
        if missing:
            snapshot_download(model, revision=revision, local_dir=folder, allow_patterns=[glob.escape(name) for name in missing], token=token)
        for name in missing:
            sibling = siblings[name]
            files[name] = verify(folder / name, sibling.size, sibling.lfs.sha256 if sibling.lfs else None, sibling.blob_id)
        shutil.rmtree(folder / ".cache", ignore_errors=True)
        partial = folder / f"{MARKER}.partial"
        partial.write_text(json.dumps({"model": model, "revision": revision, "files": files}), encoding="utf-8")
    except OSError as error:
        if error.errno in NO_ROOM:
            raise SystemExit(f"{model}@{revision}: {_no_room(folder, sum(siblings[name].size or 0 for name in missing))}") from None
        raise
    partial.replace(folder / MARKER)
    print(f"{model}@{revision}: {len(files)} files, {len(missing)} of them fetched")


def wanted(names: Iterable[str]) -> list[str]:
    """The files that serving reads: everything small, and the weights once.

    Raises:
        SystemExit: none of them are weights.
    """
    found = sorted(name for name in names if PurePosixPath(name).parts[0] not in OTHER_RUNTIMES and not name.endswith(OTHER_FORMATS))
    folders = {PurePosixPath(name).parent for name in found}
    best = {folder: _best(name for name in found if PurePosixPath(name).parent == folder) for folder in folders}
    if best.get(PurePosixPath()) is None:
        raise SystemExit(f"no weights that the engine reads ({', '.join(FORMATS)}) among {len(found)} files")
    return [name for name in found if not name.endswith(FORMATS) or name.endswith(str(best[PurePosixPath(name).parent]))]


def _best(names: Iterable[str]) -> str | None:
    present = {suffix for name in names for suffix in FORMATS if name.endswith(suffix)}
    return next((suffix for suffix in FORMATS if suffix in present), None)


def verify(path: Path, size: int | None, sha256: str | None, blob: str | None) -> tuple[int, str]:
    """Size and SHA-256 of a file that is what the hub recorded: large ones by SHA-256, small ones by the id of their git blob.

    Raises:
        SystemExit: it differs.
    """
    actual = path.stat().st_size if path.is_file() else None
    if actual is None or (size is not None and actual != size):
        reason, digest = f"{actual or 0} bytes instead of {size}", ""
    else:
        digest = checksum(path)
        differs = digest != sha256 if sha256 else blob is not None and git_blob(path) != blob
        reason = "the checksum differs" if differs else None
    if reason:
        path.unlink(missing_ok=True)
        raise SystemExit(f"{path.name}: {reason}; deleted, the next try fetches it again")
    return actual or 0, digest


def checksum(path: Path) -> str:
    """SHA-256 of a file, read in pieces: weights are larger than memory."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while chunk := file.read(CHUNK_BYTES):
            digest.update(chunk)
    return digest.hexdigest()


def git_blob(path: Path) -> str:
    """The id git gives to a file of this content; only small files are kept in git itself."""
    content = path.read_bytes()
    return hashlib.sha1(b"blob %d\0%b" % (len(content), content), usedforsecurity=False).hexdigest()


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
    """`mirror_weights.py MODEL REVISION [--cache FOLDER] [--audit | --wait [--audit-name NAME]]`."""
    # Process one of a container ignores a signal without a handler, and a waiting pod would outlive its whole grace period.
    signal.signal(signal.SIGTERM, lambda number, _: sys.exit(128 + number))
    parser = argparse.ArgumentParser()
    parser.add_argument("model")
    parser.add_argument("revision")
    parser.add_argument("--cache", type=Path, default=Path("/models"))
    parser.add_argument("--audit", action="store_true")
    parser.add_argument("--wait", action="store_true")
    parser.add_argument("--audit-name")
    options = parser.parse_args(arguments)
    if options.wait:
        wait(options.cache, options.model, options.revision, options.audit_name)
        return
    try:
        mirror(options.cache, options.model, options.revision, audit=options.audit)
    except _expected() as error:
        raise SystemExit(trouble(error, options.cache, options.model, options.revision)) from None


if __name__ == "__main__":
    sys.exit(main())
