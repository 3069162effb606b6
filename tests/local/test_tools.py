"""Which binary is used, when one is built, and that a build is whole or absent. The Go compiler is simulated here."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from local.cache import make_once
from local.ledger import read_reference
from local.tools import RECIPES, ToolError, build, ensure, recipes
from local.tools.find import main
from tests.support.simulated_go import SimulatedGo, executable

pytestmark = pytest.mark.tooling

PROJECT = Path(__file__).resolve().parents[2]
KUBERNETES = ("kube-apiserver", "kube-controller-manager", "kube-scheduler")


@pytest.fixture
def go(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> SimulatedGo:
    simulated = SimulatedGo(tmp_path / "go")
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}:{simulated.folder}")
    monkeypatch.setenv("FLEET_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("PULUMI_HOME", str(tmp_path / "pulumi"))
    monkeypatch.delenv("KUBEBUILDER_ASSETS", raising=False)
    (tmp_path / "bin").mkdir()
    build._go_environment.cache_clear()
    return simulated


def _tell(folder: Path, name: str, text: str) -> Path:
    folder.mkdir(exist_ok=True)
    return executable(folder / name, f"#!/bin/sh\necho '{text}'\n")


def _quiet(_: str) -> None:
    return None


def test_a_binary_on_path_in_an_accepted_version_is_used_and_nothing_is_built(go: SimulatedGo, tmp_path: Path) -> None:
    own = _tell(tmp_path / "bin", "etcd", "etcd Version: 3.6.2")
    assert ensure(["etcd"], _quiet) == {"etcd": own}
    assert not go.builds, "a build takes a minute that the user need not wait"


@pytest.mark.parametrize("told", ["etcd Version: 3.4.30", "etcd Version: 4.0.0", "no version at all"])
def test_a_binary_on_path_in_another_version_is_not_used(go: SimulatedGo, tmp_path: Path, told: str) -> None:
    own = _tell(tmp_path / "bin", "etcd", told)
    assert ensure(["etcd"], _quiet)["etcd"] != own
    assert go.builds == ["etcd"]


def test_a_binary_that_cannot_even_tell_its_version_is_not_used(go: SimulatedGo, tmp_path: Path) -> None:
    executable(tmp_path / "bin" / "etcd", "#!/bin/sh\necho etcd Version: 3.6.2\nexit 1\n")
    ensure(["etcd"], _quiet)
    assert go.builds == ["etcd"], "a program that fails at its version would fail at its work"


def test_kubernetes_binaries_of_two_versions_are_never_mixed(go: SimulatedGo, tmp_path: Path) -> None:
    for name, version in zip(KUBERNETES, ("v1.35.0", "v1.36.1", "v1.35.0"), strict=True):
        _tell(tmp_path / "bin", name, f"Kubernetes {version}")
    ensure(KUBERNETES, _quiet)
    assert go.builds == list(KUBERNETES), "a controller manager newer than its API server is not supported"


def test_a_set_with_one_binary_missing_is_built_whole(go: SimulatedGo, tmp_path: Path) -> None:
    _tell(tmp_path / "bin", "kube-apiserver", "Kubernetes v1.35.0")
    ensure(KUBERNETES, _quiet)
    assert go.builds == list(KUBERNETES)


def test_the_control_plane_of_kubebuilder_assets_comes_before_path(go: SimulatedGo, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _tell(tmp_path / "bin", "etcd", "etcd Version: 3.6.2")
    asset = _tell(tmp_path / "assets", "etcd", "etcd Version: 3.6.4")
    monkeypatch.setenv("KUBEBUILDER_ASSETS", str(tmp_path / "assets"))
    assert ensure(["etcd"], _quiet) == {"etcd": asset}
    assert not go.builds


def test_the_provider_is_taken_from_the_engines_plugins_in_exactly_its_version(go: SimulatedGo, tmp_path: Path) -> None:
    plugins = tmp_path / "pulumi" / "plugins"
    for version in ("4.24.0", "4.29.0"):
        (plugins / f"resource-kubernetes-v{version}").mkdir(parents=True)
        executable(plugins / f"resource-kubernetes-v{version}" / "pulumi-resource-kubernetes", "")
    _tell(tmp_path / "bin", "pulumi-resource-kubernetes", "4.25.0")
    ensure(["pulumi-resource-kubernetes"], _quiet)
    assert go.builds == ["pulumi-resource-kubernetes"], "a provider tells no version of itself, so one on PATH cannot be trusted"
    folder = plugins / f"resource-kubernetes-v{recipes.PULUMI_KUBERNETES}"
    folder.mkdir()
    own = executable(folder / "pulumi-resource-kubernetes", "")
    assert ensure(["pulumi-resource-kubernetes"], _quiet) == {"pulumi-resource-kubernetes": own}
    folder.with_name(f"{folder.name}.partial").touch()
    assert ensure(["pulumi-resource-kubernetes"], _quiet) != {"pulumi-resource-kubernetes": own}, "the engine had not finished unpacking it"


def test_a_tool_is_built_once_and_its_cost_is_told_once(go: SimulatedGo) -> None:
    costs: list[str] = []
    first = ensure(["etcd", "kwok"], _quiet, lambda module, _: costs.append(module))
    second = ensure(["etcd", "kwok"], _quiet, lambda module, _: costs.append(module))
    assert first == second
    assert first["etcd"].read_text() == "a whole binary"
    assert go.builds == ["etcd", "kwok"]
    assert costs == ["etcd", "kwok"]


def test_a_newer_compiler_builds_again_beside_the_old_result(go: SimulatedGo) -> None:
    first = ensure(["etcd"], _quiet)["etcd"]
    go.version("go1.27.0")
    build._go_environment.cache_clear()
    second = ensure(["etcd"], _quiet)["etcd"]
    assert first != second
    assert first.exists(), "another checkout may still use it"


def test_a_missing_binary_of_a_cached_set_is_built_again(go: SimulatedGo) -> None:
    found = ensure(KUBERNETES, _quiet)
    found["kube-scheduler"].unlink()
    assert ensure(KUBERNETES, _quiet)["kube-scheduler"].exists()


def test_a_failed_build_shows_the_end_of_its_output_and_leaves_nothing(go: SimulatedGo, tmp_path: Path) -> None:
    go.behave("fail")
    with pytest.raises(ToolError) as caught:
        ensure(["etcd"], _quiet)
    text = str(caught.value)
    assert "building etcd failed" in text
    assert "undefined: missing" in text, "the compiler's reason comes last"
    assert "first line" not in text, "forty lines of noise do not help"
    assert [path.name for path in (tmp_path / "cache" / "tools" / "etcd").iterdir()] == ["lock"]


def test_a_build_killed_half_way_is_no_binary_for_the_next_run(go: SimulatedGo, tmp_path: Path) -> None:
    go.behave("hang")
    for pipe in ("started", "never"):
        os.mkfifo(go.folder / pipe)
    run = subprocess.Popen([sys.executable, "-m", "local.tools", "etcd"], cwd=PROJECT, stdout=subprocess.DEVNULL, start_new_session=True)
    assert (go.folder / "started").read_text() == "x"
    os.killpg(run.pid, signal.SIGKILL)
    run.wait()
    left = {path.name.partition("-")[0] for path in (tmp_path / "cache" / "tools" / "etcd").iterdir()}
    assert left == {"lock", "making"}, "the run was killed while it wrote"
    go.behave("build")
    assert ensure(["etcd"], _quiet)["etcd"].read_text() == "a whole binary"
    assert len(list((tmp_path / "cache" / "tools" / "etcd").iterdir())) == 2, "what the killed run left is gone"


def test_two_runs_at_once_make_a_folder_once(tmp_path: Path) -> None:
    made: list[str] = []
    first_makes, second_waits = threading.Event(), threading.Event()

    def make(folder: Path) -> None:
        first_makes.set()
        assert second_waits.wait(10)
        made.append("once")
        (folder / "file").write_text("whole")

    first = threading.Thread(target=make_once, args=(tmp_path / "kept" / "key", ["file"], make, _quiet))
    first.start()
    assert first_makes.wait(10)
    again = make_once(tmp_path / "kept" / "key", ["file"], make, lambda _: second_waits.set())
    first.join()
    assert not again, "the second run found what the first had made while it waited"
    assert made == ["once"]


@pytest.mark.parametrize(("version", "said"), [(None, "Go is not installed"), ("go1.19.8", "Go here is go1.19")])
def test_without_a_good_compiler_one_line_says_what_to_install(go: SimulatedGo, version: str | None, said: str) -> None:
    go.version(version or "")
    if version is None:
        (go.folder / "go").unlink()
    with pytest.raises(ToolError) as caught:
        ensure(["etcd"], _quiet)
    assert said in str(caught.value)
    assert "install Go 1.26 or newer" in str(caught.value)
    assert "etcd 3.6 or newer" in str(caught.value), "a user without Go may install the tool itself"
    assert "\n" not in str(caught.value)


def test_a_cache_that_cannot_be_written_is_named_with_its_remedy(go: SimulatedGo, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("FLEET_CACHE", str(tmp_path / "file"))
    with pytest.raises(ToolError, match="set FLEET_CACHE to another folder"):
        ensure(["etcd"], _quiet)


def test_a_name_that_no_recipe_makes_is_wrong_input_with_the_known_names(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["kubectl"]) == 2
    assert "kube-apiserver" in capsys.readouterr().err


def test_several_missing_tools_are_announced_with_the_time_they_take_together(go: SimulatedGo) -> None:
    lines: list[str] = []
    ensure(say=lines.append)
    figures = read_reference()["builds"]
    minutes = round(sum(figure["cold"] for figure in figures.values()) / 60)
    assert f"about {minutes} minutes" in lines[0], lines
    assert all(recipe.module in lines[0] for recipe in RECIPES)


def test_recipes_module_files_and_requirements_name_the_same_versions() -> None:
    requirements = dict(re.findall(r"^([\w-]+)==(\S+)", (PROJECT / "requirements.txt").read_text(encoding="utf-8"), re.MULTILINE))
    assert requirements["pulumi"] == recipes.PULUMI, "the engine that is tested is the one users get"
    assert requirements["pulumi-kubernetes"] == recipes.PULUMI_KUBERNETES
    modules = {recipe.module: (build.MODULES / recipe.module / "go.mod").read_text(encoding="utf-8") for recipe in RECIPES}
    assert f"github.com/pulumi/pulumi/pkg/v3 v{recipes.PULUMI}\n" in modules["pulumi"]
    assert f"k8s.io/kubernetes v{recipes.KUBERNETES}\n" in modules["kubernetes"]
    assert f"k8s.io/kubernetes v{recipes.KUBERNETES}\n" in modules["node"], "a kubelet of its API server's version"
    downloading = [module for module, text in modules.items() if "require" in text]
    assert all((build.MODULES / module / "go.sum").exists() for module in downloading), "without checksums a download is not verified"


def test_the_ledger_has_a_figure_for_every_recipe() -> None:
    assert set(read_reference()["builds"]) == {recipe.module for recipe in RECIPES}, json.dumps(read_reference()["builds"])
