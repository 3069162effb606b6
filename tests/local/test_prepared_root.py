"""Nodes that start from one prepared containerd root: real containers of the engine image, and a maker that is killed."""

from __future__ import annotations

import hashlib
import json
import os
import select
import signal
import socket
import stat
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import grpc
import psutil
import pytest

from local.cache import cache_directory
from local.images import DNS_IMAGE, ENGINE_IMAGE, HUB_HOST, PAUSE_IMAGE, TOOLS, ImageError, containerd_configuration, copy_root, prepared_root
from local.images.daemon import Containerd, running
from local.images.prepared import PINNED, _run_path
from local.tools import ensure

pytestmark = pytest.mark.pods

PROJECT = Path(__file__).resolve().parents[2]
RUNTIME = ("containerd", "containerd-shim-runc-v2", "ctr")
RESOLVER = "127.77.0.1"
CONTAINER = ("run", "--rm", "--read-only")

Tools = dict[str, Path]


@pytest.fixture(scope="module")
def tools() -> Tools:
    return ensure((*RUNTIME, *TOOLS), lambda _: None)


@pytest.fixture(scope="module")
def prepared(tools: Tools) -> Path:
    return prepared_root(tools, lambda _: None)


@contextmanager
def _node(tools: Tools, prepared: Path) -> Iterator[Containerd]:
    # A short path beside the cache, on the same file system: the copies are links as for a region's nodes.
    with tempfile.TemporaryDirectory(prefix="node-", dir="/tmp") as folder, tempfile.TemporaryDirectory(dir=cache_directory()) as beside:
        root, address = Path(beside) / "root", Path(folder) / "socket"
        copy_root(prepared, root)
        text = containerd_configuration(root, Path(folder) / "state", address, [Path("/usr/lib/cni")], Path(folder) / "cni")
        with running(tools, text, Path(folder), address) as containerd:
            yield containerd


def _fingerprint(folder: Path) -> dict[str, tuple[int, int, int, int, str]]:
    """Owner, mode, time of change of the contents, and the contents of every file."""
    found = {}
    for path in sorted(folder.rglob("*")):
        about = path.lstat()
        content = hashlib.sha256(path.read_bytes()).hexdigest() if stat.S_ISREG(about.st_mode) else ""
        found[str(path)] = (about.st_mode, about.st_uid, about.st_gid, about.st_mtime_ns, content)
    return found


def _python(containerd: Containerd, code: str, *flags: str) -> str:
    return containerd.ctr(*CONTAINER, *flags, ENGINE_IMAGE, f"c{os.urandom(4).hex()}", "python3", "-c", code)


def test_two_nodes_run_the_engine_image_and_the_prepared_root_stays_as_it_was(tools: Tools, prepared: Path) -> None:
    before = _fingerprint(prepared)
    code = "import os, shutil, huggingface_hub; print(os.getuid(), os.getgid(), shutil.which('vllm-simulator'), shutil.which('llm-d-inference-sim'))"
    with _node(tools, prepared) as first, _node(tools, prepared) as second:
        for containerd in (first, second):
            told = _python(containerd, code).split()
            assert told == ["2000", "0", "/usr/local/bin/vllm-simulator", "/usr/local/bin/llm-d-inference-sim"]
        write = "open('/home/vllm/written', 'w').write('x'); print(open('/home/vllm/written').read())"
        assert first.ctr("run", "--rm", ENGINE_IMAGE, "writes", "python3", "-c", write).strip() == "x", "its home belongs to it"
        second.ctr("images", "remove", "--sync", DNS_IMAGE)
        assert DNS_IMAGE not in second.ctr("images", "list", "--quiet").split()
        assert DNS_IMAGE in first.ctr("images", "list", "--quiet").split(), "another node's images are its own"
    assert _fingerprint(prepared) == before, "the next node would start from what this one did"


def test_python_in_the_image_is_whole(tools: Tools, prepared: Path) -> None:
    code = (
        "import ssl, hashlib, ctypes, lzma, bz2, zlib, asyncio, uuid, pwd, os, json, subprocess, sys;"
        "from huggingface_hub import HfApi, snapshot_download;"
        "ssl.create_default_context(); hashlib.sha256(b'').hexdigest(); "
        "print(json.dumps([pwd.getpwuid(os.getuid()).pw_name, os.environ['HF_ENDPOINT'], os.path.expanduser('~'), ssl.__cached__, "
        "subprocess.run([sys.executable, '-c', 'print(1)'], capture_output=True, text=True).stdout]))"
    )
    with _node(tools, prepared) as containerd:
        name, endpoint, home, cached, child = json.loads(_python(containerd, code))
        assert (name, home, child) == ("vllm", "/home/vllm", "1\n")
        assert endpoint == f"http://{HUB_HOST}:443", "the mirror's network policy allows port 443 only"
        assert cached.endswith(".pyc")
        read_only = "import pathlib; pathlib.Path('/home/vllm/x').touch()"
        with pytest.raises(ImageError, match="Read-only file system"):
            _python(containerd, read_only)


@pytest.fixture
def resolver() -> Iterator[list[bytes]]:
    """A name server that knows one address for every name; what it was asked."""
    asked: list[bytes] = []
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as server:
        server.bind((RESOLVER, 53))

        def answer() -> None:
            while (request := server.recvfrom(512))[0] != b"end":
                query, sender = request
                asked.append(query)
                question = query[12 : query.index(b"\0", 12) + 5]
                is_address = question[-4:-2] == b"\0\1"
                record = b"\xc0\x0c\0\1\0\1\0\0\0\5\0\4" + socket.inet_aton(RESOLVER) if is_address else b""
                server.sendto(query[:2] + b"\x81\x80\0\1\0" + bytes([is_address]) + b"\0\0\0\0" + question + record, sender)

        thread = threading.Thread(target=answer)
        thread.start()
        try:
            yield asked
        finally:
            server.sendto(b"end", (RESOLVER, 53))
            thread.join()


def test_names_are_looked_up_in_dns(tools: Tools, prepared: Path, resolver: list[bytes], tmp_path: Path) -> None:
    (tmp_path / "resolv.conf").write_text(f"nameserver {RESOLVER}\n")
    mount = f"type=bind,src={tmp_path / 'resolv.conf'},dst=/etc/resolv.conf,options=rbind:ro"
    with _node(tools, prepared) as containerd:
        # The network of containerd's own process, which is this machine's: the name server listens on loopback.
        flags = ("--with-ns", "network:/proc/1/ns/net", "--mount", mount)
        told = _python(containerd, f"import socket; print(socket.gethostbyname('{HUB_HOST}'))", *flags)
    assert told.strip() == RESOLVER
    assert any(b"\3hub\nvllm-fleet\5local" in query for query in resolver)


def test_the_kubelets_interface_knows_every_image_and_never_collects_pause(tools: Tools, prepared: Path) -> None:
    with _node(tools, prepared) as containerd:
        with grpc.insecure_channel(f"unix:{containerd.address}") as channel:
            # The request is empty, and of the answer only names are looked at: no message definitions are needed.
            listed = channel.unary_unary("/runtime.v1.ImageService/ListImages")(b"", timeout=20)
        names = set(containerd.ctr("images", "list", "--quiet").split())
        assert {ENGINE_IMAGE, PAUSE_IMAGE, DNS_IMAGE} <= names
        for name in names:
            assert name.encode() in listed, "the kubelet would try to pull it"
        assert containerd.ctr("images", "list", "--quiet", f'labels."io.cri-containerd.pinned"=={PINNED.partition("=")[2]}').split() == [PAUSE_IMAGE]


def test_a_killed_maker_leaves_no_process_and_no_mount_and_the_next_one_begins_anew(
    tools: Tools, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FLEET_CACHE", str(tmp_path))
    program = (
        "import json, sys; from pathlib import Path; from local.images import prepared_root;"
        "prepared_root({name: Path(path) for name, path in json.loads(sys.argv[1]).items()}, lambda text: print(text, flush=True))"
    )
    command = [sys.executable, "-c", program, json.dumps({name: str(path) for name, path in tools.items()})]
    with subprocess.Popen(command, cwd=PROJECT, stdout=subprocess.PIPE, text=True) as run:
        assert run.stdout
        lines = [run.stdout.readline(), run.stdout.readline()]
        assert lines[1].startswith("Making image"), f"containerd has taken the first image in: {lines}"
        started = psutil.Process(run.pid).children(recursive=True)
        assert "containerd" in {process.name() for process in started}
        handles = [os.pidfd_open(process.pid) for process in started]
        run.send_signal(signal.SIGKILL)
    for handle in handles:
        assert select.select([handle], [], [], 20)[0], "a daemon that nobody knows would hold the cache for ever"
        os.close(handle)
    assert str(tmp_path) not in Path("/proc/self/mounts").read_text()
    root = prepared_root(tools, lambda _: None)
    assert sorted(path.name for path in root.parent.iterdir()) == sorted([root.name, "lock"]), "what the killed run left is gone"
    assert not _run_path(root.parent).exists(), "its sockets as well"


def test_a_containerd_that_does_not_start_is_told_with_its_log_and_nothing_is_kept(
    tools: Tools, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FLEET_CACHE", str(tmp_path))
    broken = tmp_path / "broken"
    broken.write_text("#!/bin/sh\necho no overlayfs here >&2\nexit 1\n")
    broken.chmod(0o755)
    with pytest.raises(ImageError, match=r"containerd ended while starting:\n  no overlayfs here"):
        prepared_root({**tools, "containerd": broken}, lambda _: None)
    assert [path.name for path in (tmp_path / "nodes").iterdir()] == ["lock"]
