"""Images made without a registry: the archives, what goes into them, and the copy of a prepared root. No container runs here."""

from __future__ import annotations

import hashlib
import io
import json
import os
import py_compile
import stat
import sys
import tarfile
import tempfile
import tomllib
from pathlib import Path

import pytest

from local.images import PAUSE_IMAGE, TOOLS, ImageError, archives, containerd_configuration, copy_root
from local.images.archive import Image, write
from local.images.catalogue import images
from local.images.entries import Compiled, File, Folder, Layer, Link
from local.images.interpreter import HOME, PACKAGES, packages, python
from local.images.libraries import libraries
from local.images.prepared import CONTENT, METADATA, SNAPSHOTS

pytestmark = pytest.mark.tooling


def _image(*layers: Layer) -> Image:
    return Image(name="example.test/a:1", layers=layers, entrypoint=["/a"], environment={"B": "2", "A": "1"}, user="2000:0", working_directory="/w")


def _written(image: Image, folder: Path) -> dict[str, bytes]:
    write(image, folder / "image.tar")
    with tarfile.open(folder / "image.tar") as layout:
        return {name: file.read() for name in layout.getnames() if (file := layout.extractfile(name))}


def _blob(files: dict[str, bytes], descriptor: dict[str, str]) -> bytes:
    return files[f"blobs/{descriptor['digest'].replace(':', '/')}"]


def _layers(files: dict[str, bytes]) -> list[dict[str, tarfile.TarInfo]]:
    manifest = json.loads(_blob(files, json.loads(files["index.json"])["manifests"][0]))
    layers = []
    for descriptor in manifest["layers"]:
        with tarfile.open(fileobj=io.BytesIO(_blob(files, descriptor))) as tar:
            layers.append({about.name: about for about in tar.getmembers()})
    return layers


def test_the_same_image_gives_the_same_bytes(tmp_path: Path) -> None:
    source = tmp_path / "a.py"
    source.write_text("def f(x):\n    return x in {'a', 'b', 'c'}\n")
    image = _image({"/b": File(b"b"), "/a.py": File(source), Compiled.place("/a.py"): Compiled(source, "/a.py"), "/l": Link("b")})
    write(image, tmp_path / "first.tar")
    os.utime(source, (1, 1))
    write(image, tmp_path / "second.tar")
    assert (tmp_path / "first.tar").read_bytes() == (tmp_path / "second.tar").read_bytes(), "a changed archive would be a new image for nothing"


def test_an_archive_is_an_oci_layout_whose_digests_hold(tmp_path: Path) -> None:
    files = _written(_image({"/a": File(b"binary", 0o755)}), tmp_path)
    assert json.loads(files["oci-layout"]) == {"imageLayoutVersion": "1.0.0"}
    for name, content in files.items():
        if name.startswith("blobs/sha256/"):
            assert hashlib.sha256(content).hexdigest() == name.rpartition("/")[2], "containerd refuses a blob of another digest"
    manifest = json.loads(files["index.json"])["manifests"][0]
    assert manifest["annotations"] == {"io.containerd.image.name": "example.test/a:1"}, "the import names the image by it"
    configuration = json.loads(_blob(files, json.loads(_blob(files, manifest))["config"]))
    assert configuration["config"] == {"User": "2000:0", "Env": ["A=1", "B=2"], "Entrypoint": ["/a"], "WorkingDir": "/w"}


def test_a_higher_layer_keeps_owner_and_mode_of_a_folder_below_it(tmp_path: Path) -> None:
    low, high = _layers(_written(_image({"/home/u": Folder(0o775, 2000)}, {"/home/u/x/file": File(b"")}), tmp_path))
    assert (low["home/u"].mode, low["home/u"].uid, low["home/u"].gid) == (0o775, 2000, 0)
    assert list(high) == ["home/u/x", "home/u/x/file"], "an entry for home/u would replace what the lower layer says of it"
    assert (high["home/u/x"].mode, high["home/u/x"].uid) == (0o755, 0)


def test_a_path_that_is_not_absolute_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"path 'etc/x' in an image is not absolute"):
        write(_image({"etc/x": File(b"")}), tmp_path / "image.tar")


@pytest.mark.parametrize(
    "other",
    [{"/a": File(b"2")}, {"/a": File(b"1", 0o755)}, {"/b": File(b"1")}, {"/a": Link("1")}, {"/a": File(b"1"), "/b": Folder()}],
)
def test_a_fingerprint_changes_with_contents_modes_and_paths(other: Layer) -> None:
    assert _image({"/a": File(b"1")}).fingerprint() != _image(other).fingerprint()


def test_a_fingerprint_does_not_depend_on_where_the_files_lie(tmp_path: Path) -> None:
    (tmp_path / "other").write_bytes(b"1")
    assert _image({"/a": File(b"1")}).fingerprint() == _image({"/a": File(tmp_path / "other")}).fingerprint()


def test_compiled_code_is_what_the_interpreter_itself_would_write(tmp_path: Path) -> None:
    source = tmp_path / "a.py"
    source.write_text("value = 1 + 1\n")
    own = py_compile.compile(str(source), cfile=str(tmp_path / "own.pyc"), invalidation_mode=py_compile.PycInvalidationMode.UNCHECKED_HASH)
    content = Compiled(source, "/a.py").content()
    assert own
    assert content
    assert content[:16] == Path(own).read_bytes()[:16], "header: magic number, flags, digest of the source"


def test_a_source_of_another_python_is_not_compiled(tmp_path: Path) -> None:
    source = tmp_path / "a.py"
    source.write_text("print 'two'\n")
    assert Compiled(source, "/a.py").content() is None
    (layer,) = _layers(_written(_image({"/a.py": File(source), "/a.pyc": Compiled(source, "/a.py")}), tmp_path))
    assert list(layer) == ["a.py"]


def test_the_interpreter_comes_with_its_libraries_and_without_its_tests() -> None:
    layer = python()
    assert "/usr/local/bin/python3" in layer
    assert f"{HOME}/ssl.py" in layer
    assert not [path for path in layer if "/test/" in path or "/idlelib/" in path or "/tkinter/" in path]
    folders = {str(Path(path).parent) for path in layer if Path(path).name.startswith("lib") and ".so" in path and "lib-dynload" not in path}
    (folder,) = folders
    assert f"{folder}/libc.so.6" in layer, "the loader looks beside the C library without being told"
    assert any(Path(path).name.startswith("ld-linux") for path in layer), "without the dynamic loader nothing starts"


def test_the_hubs_client_comes_with_its_dependencies_without_commands_and_accelerator() -> None:
    layer = packages("huggingface_hub")
    folders = {path.removeprefix(f"{PACKAGES}/").split("/")[0] for path in layer}
    assert {"huggingface_hub", "tqdm", "filelock"} <= folders
    assert "hf_xet" not in folders, "a plain HTTP hub does not speak it"
    assert all(path.startswith(f"{PACKAGES}/") or ".so" in path for path in layer)


def test_a_package_that_is_not_installed_is_named_with_the_remedy() -> None:
    with pytest.raises(ImageError, match=r"package no-such-package is not installed in .*: run pip install -r requirements-dev.txt"):
        packages("no.such_package")


def test_a_static_binary_has_no_libraries_to_find(tmp_path: Path) -> None:
    script = tmp_path / "script"
    script.write_text("#!/bin/sh\n")
    with pytest.raises(ImageError, match="ldd"):
        libraries([script])


def test_every_image_has_a_user_by_number_and_is_written_under_its_name(tmp_path: Path) -> None:
    tools = {name: tmp_path / name for name in TOOLS}
    for path in tools.values():
        path.write_bytes(path.name.encode())
    for image in images(tools):
        user, _, group = image.user.partition(":")
        assert user.isdigit(), "the kubelet cannot tell from a name that a user is not root"
        assert int(user) > 0
        assert group.isdigit()
    written = archives(tools, tmp_path)
    assert set(written) == {image.name for image in images(tools)}
    assert all(path.stat().st_size > 0 for path in written.values())


def test_a_nodes_configuration_names_its_own_places_and_the_local_pause_image() -> None:
    text = containerd_configuration(Path("/n/root"), Path("/n/state"), Path('/n/"s'), [Path("/usr/lib/cni")], Path("/n/cni"))
    document = tomllib.loads(text)
    plugins = document["plugins"]
    assert (document["root"], document["state"]) == ("/n/root", "/n/state")
    assert plugins["io.containerd.server.v1.grpc"]["address"] == '/n/"s', "a path is quoted"
    assert plugins["io.containerd.cri.v1.images"]["pinned_images"]["sandbox"] == PAUSE_IMAGE
    runtime = plugins["io.containerd.cri.v1.runtime"]
    assert runtime["cni"]["conf_dir"] == "/n/cni"
    assert runtime["containerd"]["runtimes"]["runc"]["options"] == {"SystemdCgroup": False, "Root": "/n/state/runc"}
    assert runtime["restrict_oom_score_adj"], "without it no container starts where CAP_SYS_RESOURCE is missing"


def test_a_folder_too_long_for_a_unix_socket_is_refused_before_a_container_fails() -> None:
    short = Path("/n")
    with pytest.raises(ValueError, match=r"state /s+ has 40 characters, Unix sockets allow 39 here: choose a shorter path"):
        containerd_configuration(short, Path("/" + "s" * 39), short, [short], short)
    containerd_configuration(short, Path("/" + "s" * 38), short, [short], short)


@pytest.fixture
def prepared(tmp_path: Path) -> Path:
    root = tmp_path / "prepared"
    for path in (f"{CONTENT}/blobs/sha256/ab", f"{SNAPSHOTS}/snapshots/1/fs/bin/tool", f"{SNAPSHOTS}/metadata.db", f"{METADATA}/meta.db"):
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(path)
    (root / SNAPSHOTS / "snapshots/1/fs/link").symlink_to("bin/tool")
    (root / SNAPSHOTS / "snapshots/1/fs/bin").chmod(0o1775)
    return root


def _inode(path: Path) -> int:
    return path.stat().st_ino


def test_a_copied_root_links_what_never_changes_and_copies_databases(prepared: Path, tmp_path: Path) -> None:
    copy_root(prepared, tmp_path / "nodes" / "a" / "containerd")
    copied = tmp_path / "nodes" / "a" / "containerd"
    for path in (f"{CONTENT}/blobs/sha256/ab", f"{SNAPSHOTS}/snapshots/1/fs/bin/tool"):
        assert _inode(copied / path) == _inode(prepared / path), "a hundred megabytes for each node would be copied for nothing"
    for path in (f"{SNAPSHOTS}/metadata.db", f"{METADATA}/meta.db"):
        assert _inode(copied / path) != _inode(prepared / path), "two nodes would write into one database"
        assert (copied / path).read_text() == path
    files = copied / SNAPSHOTS / "snapshots/1/fs"
    assert (files / "link").readlink() == Path("bin/tool")
    assert stat.S_IMODE((files / "bin").stat().st_mode) == 0o1775


def test_an_interrupted_copy_is_no_root_and_the_next_one_begins_anew(prepared: Path, tmp_path: Path) -> None:
    left = tmp_path / "node.partial"
    left.mkdir()
    (left / "half").write_text("")
    copy_root(prepared, tmp_path / "node")
    assert sorted(path.name for path in (tmp_path / "node").iterdir()) == sorted((CONTENT, METADATA, SNAPSHOTS))
    assert not left.exists()


def test_a_root_that_is_there_is_never_replaced(prepared: Path, tmp_path: Path) -> None:
    copy_root(prepared, tmp_path / "node")
    with pytest.raises(FileExistsError, match="remove the node first"):
        copy_root(prepared, tmp_path / "node")


@pytest.mark.skipif(not Path("/dev/shm").is_dir() or sys.platform != "linux", reason="needs a second file system that everybody may write")
def test_across_file_systems_everything_is_copied(prepared: Path) -> None:
    with tempfile.TemporaryDirectory(dir="/dev/shm") as other:
        assert Path(other).stat().st_dev != prepared.stat().st_dev, "otherwise nothing is proven"
        copy_root(prepared, Path(other) / "node")
        copied = Path(other) / "node" / SNAPSHOTS / "snapshots/1/fs"
        assert (copied / "bin/tool").read_text() == f"{SNAPSHOTS}/snapshots/1/fs/bin/tool"
        assert (copied / "link").is_symlink()
