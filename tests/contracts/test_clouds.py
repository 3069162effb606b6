"""One contract for every cloud: what a key of CLOUDS or a folder of components still owes is the answer, in sentences, never a traceback."""

from __future__ import annotations

import importlib
import shutil
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

import components
from stacks.clouds import CLOUDS
from tests.support import cloud_contract_differences
from tests.support.cloud_contract import COMPONENTS, METHODS, named, owed, owed_in_words
from tests.support.cloud_contract_code import Source
from tests.support.cloud_contract_graph import graph_owes
from tests.support.cloud_contract_samples import SAMPLES, Recorded, recorded
from tests.support.recording import Graph, Resource
from tests.support.syntax import PROJECT

pytestmark = pytest.mark.mocks

NEW = "nimbus"
"""A cloud that nobody has."""


@pytest.mark.parametrize("cloud", named())
def test_a_cloud_owes_nothing(cloud: str) -> None:
    found = owed(cloud)
    if found:
        pytest.fail("\n".join([f"{cloud} owes {len(found)} things:", *(f"  - {sentence}" for sentence in found)]), pytrace=False)


def test_no_cloud_is_left_out() -> None:
    assert set(named()) == set(CLOUDS), "a folder without a line is not served, a line without a folder is nothing"
    assert set(SAMPLES) <= set(CLOUDS), "a sample of a cloud that is gone"


@pytest.fixture
def laid_over(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder that lies over the project: what is written into its `components` is found by imports too."""
    (tmp_path / "components").mkdir()
    monkeypatch.setattr(components, "__path__", [*components.__path__, str(tmp_path / "components")])
    importlib.invalidate_caches()
    yield tmp_path
    for name in [name for name in sys.modules if name.startswith(f"components.{NEW}")]:
        del sys.modules[name]


def _written(folder: Path, **files: str) -> Path:
    package = folder / "components" / NEW
    package.mkdir()
    for name, text in files.items():
        (package / f"{name}.py").write_text(text, encoding="utf-8")
    return package


def _loader() -> Any:
    return importlib.import_module(f"components.{NEW}.cluster")


def _told(folder: Path, clouds: dict[str, Callable[[], Any]] | None = None) -> list[str]:
    return owed(NEW, Source(over=(folder,)), {**CLOUDS, NEW: _loader} if clouds is None else clouds)


STARTED = f"""
import pulumi
import pulumi_{NEW}

class Cluster(pulumi.ComponentResource):
    def __init__(self, plan, opts=None):
        super().__init__("{NEW}:index:Cluster", plan.name, None, opts)

def build(plan): ...
def verify(plan): ...
"""

EXPECTED = (  # what a package that somebody has only begun is told, one of each kind
    f"stacks/clouds.py: the package of {NEW} cannot be imported (ModuleNotFoundError: No module named 'pulumi_{NEW}')",
    f"components/{NEW}/cluster.py has no function connect(handle, others, opts)",
    f"components/{NEW}/cluster.py: build takes (plan), and stacks calls build(plan, opts)",
    f"components/{NEW}/storage.py is missing with ModelBucket",
    f"components/{NEW}/cluster.py: Cluster has the type token {NEW}:index:Cluster, and it is fleet:{NEW}:Cluster for ever",
    f"components/{NEW}/network.py is no Python: line 1",
    f"components/{NEW}/nodes.py has no component Nodes (fleet:{NEW}:Nodes)",
    f"components/{NEW}/provider.py: verify takes (), and (plan) in every other cloud",
    f"components/{NEW}/provider.py has no COMMAND",
    f"components/{NEW}/dns.py is what other clouds have not",
    f"requirements.txt has no version of pulumi-{NEW}",
    f"docs/{NEW}.md is missing",
    f"tests/support/stand_in_{NEW} is missing",
    f"tests/contracts/test_imports.py: ALLOWED has no line components/{NEW}/",
    f"tests/support/cloud_login.py makes no machine that can log in to {NEW}",
    f"fleet/settings/clusters.py: Cluster has no member with cloud: {NEW}",
    f"fleet/fleet_plan.py: ClusterPlan has no field {NEW}",
    f"fleet/{NEW}/offerings.py is missing with zones(region)",
    f"fleet/region_plans.py has no branch for {NEW} that calls fleet.{NEW}.region",
    f"fleet/planner.py does not ask fleet.{NEW}.checks",
    f"fleet/catalog.py has no machine of {NEW}",
    f"tests/support/cloud_contract_samples.py: SAMPLES has no fleet in {NEW}",
)


def test_a_package_that_somebody_began_is_told_everything_at_once(laid_over: Path) -> None:
    _written(laid_over, cluster=STARTED, network="class Network(", nodes="", provider="def verify(): ...", dns="")
    found = _told(laid_over)
    assert [words for words in EXPECTED if not any(sentence.startswith(words) for sentence in found)] == [], "\n".join(found)


def test_a_folder_without_a_line_and_a_line_without_a_folder_are_told_too(laid_over: Path) -> None:
    nobody = _told(laid_over)
    assert any("cannot be imported (ModuleNotFoundError" in sentence for sentence in nobody), "a line that imports nothing"
    _written(laid_over, cluster=STARTED)
    assert NEW in named(Source(over=(laid_over,))), "a folder is a cloud to be"
    assert any("CLOUDS has no line" in sentence for sentence in _told(laid_over, dict(CLOUDS))), "that no stack file can name yet"


def test_a_whole_package_owes_only_what_lies_outside_of_it(laid_over: Path) -> None:
    for half in ("components", "fleet"):
        shutil.copytree(PROJECT / half / "gcp", laid_over / half / NEW, ignore=shutil.ignore_patterns("__pycache__"))
    renamed = {
        "components.gcp": f"components.{NEW}",
        "fleet.gcp": f"fleet.{NEW}",
        "fleet:gcp:": f"fleet:{NEW}:",
        "GcpPlan": f"{NEW.capitalize()}Plan",
    }
    for path in laid_over.rglob("*.py"):
        text = path.read_text(encoding="utf-8")
        for old, new in renamed.items():
            text = text.replace(old, new)
        path.write_text(text, encoding="utf-8")
    found = [sentence for sentence in _told(laid_over, dict(CLOUDS)) if "differences.py" not in sentence]
    inside = [sentence for sentence in found if sentence.startswith((f"components/{NEW}", f"fleet/{NEW}"))]
    assert inside == [], "the same files, classes and functions as any other cloud"
    assert found, "and tables, docs and tests know nothing of it"


def test_a_difference_is_said_and_what_is_said_is_true(monkeypatch: pytest.MonkeyPatch) -> None:
    for cloud, gone in (("aws", "region managed"), ("gcp", "settings project")):
        kept = {thing: reason for thing, reason in cloud_contract_differences.EXTRA[cloud].items() if thing != gone}
        monkeypatch.setitem(cloud_contract_differences.EXTRA, cloud, {**kept, "region moon": "never was"})  # pyright: ignore[reportArgumentType]
        found = owed_in_words(cloud)
        assert any(sentence.startswith(f"{gone} is what other clouds have not") for sentence in found), f"{gone} was papered over"
        assert any(sentence.startswith("region moon is said to be a difference") for sentence in found), "a stale line"
        monkeypatch.undo()


def test_a_difference_has_a_reason_or_names_the_one_that_has_it() -> None:
    tables = (cloud_contract_differences.EXTRA, cloud_contract_differences.MISSING)
    reasons = {thing: reason for table in tables for differences in table.values() for thing, reason in differences.items()}
    told = {thing.rpartition("/")[2].rpartition(" ")[2] for thing, reason in reasons.items() if not reason.startswith("see ")}
    for thing, reason in [*reasons.items(), *cloud_contract_differences.MAKES_NOTHING.items()]:
        elsewhere = reason.startswith("see ") and reason.removeprefix("see ") in told
        assert elsewhere or len(reason.split()) > 4, f"{thing}: a reason, not a tick"


def test_what_stacks_calls_and_what_every_cloud_has_is_what_the_contract_asks_for() -> None:
    assert set(METHODS) == {"verify", "providers", "build", "connect"}, "the whole protocol"
    assert set(COMPONENTS) == Source().modules("components/aws") == Source().modules("components/gcp"), "file by file"


Spoil = Callable[[Resource], Resource]


def _with(**changes: Any) -> Spoil:
    return lambda each: replace(each, **changes)


def _inputs(**changes: Any) -> Spoil:
    return lambda each: replace(each, inputs={**each.inputs, **changes})


def _says(kind: str, name: str) -> Callable[[Resource], bool]:
    return lambda each: each.type == kind and each.name == name


BUCKET = _says("gcp:storage/bucket:Bucket", "one-models-bucket")
KUBERNETES = _says("pulumi:providers:kubernetes", "one-kubernetes")
SPOILED: dict[str, tuple[Callable[[Resource], bool], Spoil]] = {
    "has no explicit provider": (BUCKET, _with(provider="")),
    "is not protected, and cannot be made again": (BUCKET, _with(protect=False)),
    "does not say forceDestroy: False": (BUCKET, _inputs(forceDestroy=True)),
    "must be free to go": (_says("gcp:compute/network:Network", "two-network-vpc"), _with(protect=True)),
    "says deletionPolicy": (_says("gcp:kms/cryptoKey:CryptoKey", "two-encryption-key"), _inputs(deletionPolicy="PREVENT")),
    "is left behind": (BUCKET, _with(retain_on_delete=True)),
    "does not say whose it is": (_says("pulumi:providers:gcp", "one-gcp"), _inputs(defaultLabels="{}")),
    "a command that asks for a token": (KUBERNETES, _inputs(kubeconfig='{"users": [{"user": {"token": "t"}}]}')),
    "the kubeconfig is no JSON": (KUBERNETES, _inputs(kubeconfig="/home/ada/.kube/config")),
    "knows no command gcloud": (KUBERNETES, _inputs(kubeconfig='{"users": [{"user": {"exec": {"command": "gcloud"}}}]}')),
    "cluster_identifier is not the plan's": (KUBERNETES, _inputs(clusterIdentifier="one")),
    "holds a secret": (BUCKET, _with(type="gcp:serviceaccount/key:Key")),
    "there is no bucket": (BUCKET, _with(type="gcp:storage/other:Other")),
    "has a load balancer made": (_says("kubernetes:core/v1:Service", "one.chat-service"), _inputs(spec={"type": "LoadBalancer"})),
    "does not wait for its machines": (_says("fleet:kubernetes:Platform", "one"), _with(dependencies=frozenset())),
    "stands outside of every region": (_says("fleet:gcp:Network", "one-network"), _with(parent="")),
}


def test_every_rule_sees_what_breaks_it() -> None:
    whole = recorded("gcp", "prod")
    assert list(graph_owes("gcp", whole)) == [], "otherwise nothing below proves anything"
    (inside, *_) = whole.objects(whole.plan.clusters[0])
    spoiled = {**SPOILED, "waits for something in a cluster": (BUCKET, _with(dependencies=frozenset({inside.urn})))}
    for words, (chosen, spoil) in spoiled.items():
        found = {urn: spoil(each) if chosen(each) else each for urn, each in whole.graph.resources.items()}
        assert found != whole.graph.resources, f"nothing to spoil for: {words}"
        graph = Graph(resources=found, outputs=whole.graph.outputs, said=whole.graph.said)
        told = list(graph_owes("gcp", Recorded(whole.sample, whole.plan, graph)))
        assert any(words in sentence for sentence in told), f"nobody saw: {words}; said was {told}"
