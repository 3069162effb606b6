"""What a change of the stack file changes, and what it leaves alone: graphs of two runs of a fleet in prod, compared."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.support.fleets import Settings, graph_of, production
from tests.support.recording import Graph, Resource

pytestmark = pytest.mark.mocks

NEW_REVISION = "d" * 40
VOLUMES = ["mirror-claim", "mirror-volume", "volume"]
VOLUME_PART = re.compile(r"^.*?-(?=(mirror-claim|mirror-volume|[a-z]+)$)")


@pytest.fixture(scope="module")
def before(tmp_path_factory: pytest.TempPathFactory) -> Graph:
    return graph_of(production(), tmp_path_factory.mktemp("before"))


class Change:
    """What is created, deleted and updated between two runs; ignored changes are none."""

    def __init__(self, before: Graph, after: Graph) -> None:
        self.created = self._names(after, set(after.resources) - set(before.resources))
        self.deleted = self._names(before, set(before.resources) - set(after.resources))
        kept = set(after.resources) & set(before.resources)
        changed = {urn for urn in kept if self._effective(after, before, urn) != before.resources[urn].inputs and after.resources[urn].is_object}
        self.updated = self._names(after, changed)
        self.replaced = {
            name
            for name, urn in ((each.name, each.urn) for each in after.resources.values() if each.urn in changed)
            if self._immutable(after.resources[urn]) != self._immutable(before.resources[urn])
        }

    @staticmethod
    def _names(graph: Graph, urns: set[str]) -> set[str]:
        return {graph.resources[urn].name for urn in urns if graph.resources[urn].is_object}

    @staticmethod
    def _effective(after: Graph, before: Graph, urn: str) -> dict[str, object]:
        """The new inputs with what the engine ignores put back."""
        new = dict(after.resources[urn].inputs)
        for path in after.resources[urn].ignore_changes:
            first, _, second = path.partition(".")
            old = before.resources[urn].inputs[first]
            new[first] = {**new[first], second: old[second]} if second else old
        return new

    @staticmethod
    def _immutable(resource: Resource) -> object:
        """What the provider replaces an object for."""
        spec = resource.inputs.get("spec", {})
        return resource.namespaced_name, spec.get("selector") if resource.inputs["kind"] == "Deployment" else None


def _change(before: Graph, folder: Path, edit: Callable[[Settings], None]) -> Change:
    settings = production()
    edit(settings)
    return Change(before, graph_of(settings, folder))


def _parts(names: set[str], cluster: str) -> list[str]:
    """What of a model or a cache these resources are, sorted."""
    return sorted(VOLUME_PART.sub("", name) for name in names if name.startswith(f"{cluster}."))


def test_a_new_revision_makes_a_new_cache_beside_the_old_one_and_moves_its_servers(before: Graph, tmp_path: Path) -> None:
    change = _change(before, tmp_path, lambda settings: settings["models"]["labels"].update(revision=NEW_REVISION))
    assert change.updated == {"a.labels-deployment", "b.labels-deployment"}, "no other model restarts"
    for names in (change.created, change.deleted):  # the engine deletes last, when the servers have moved
        assert _parts(names, "a") == ["audit", "claim", "mirror"], "claim, Job and audit, nothing else"
        assert _parts(names, "b") == sorted(["audit", "claim", "mirror", *VOLUMES]), "with a folder, volumes as well"
    assert not change.replaced, "nothing under a name that is still in use"


def test_a_cache_stays_as_long_as_one_model_uses_it(before: Graph, tmp_path: Path) -> None:
    change = _change(before, tmp_path, lambda settings: settings["models"]["wide"].update(revision=NEW_REVISION))
    assert change.updated == {"a.wide-deployment"}, "it moves to the new weights"
    assert not change.deleted, "chat still reads the old ones"


def test_a_removed_model_takes_its_own_parts_and_nothing_else(before: Graph, tmp_path: Path) -> None:
    change = _change(before, tmp_path, lambda settings: settings["models"].pop("labels"))
    assert not change.created, "nothing takes its place"
    assert not change.updated, "no other model restarts"
    server, cache = ["budget", "deployment", "service"], ["audit", "claim", "mirror"]
    assert _parts(change.deleted, "a") == sorted([*server, *cache]), "servers, address, budget and weights"
    assert _parts(change.deleted, "b") == sorted([*server, *cache, *VOLUMES]), "in both clusters; the folder's content is not ours to delete"


def test_a_replaced_pool_moves_its_models_in_place(before: Graph, tmp_path: Path) -> None:
    def move(settings: Settings) -> None:
        settings["pools"]["a10g"] = {"accelerator": "A10G", "max_nodes": 9}
        settings["models"]["chat"]["pool"] = "a10g"
        del settings["pools"]["l4"]

    change = _change(before, tmp_path, move)
    assert change.updated == {"a.chat-deployment", "b.chat-deployment"}, "servers roll over to the new nodes"
    assert not change.created | change.deleted | change.replaced, "weights and address stay"


def test_more_replicas_touch_one_deployment(before: Graph, tmp_path: Path) -> None:
    change = _change(before, tmp_path, lambda settings: settings["models"]["chat"].update(replicas={"min": 3, "max": 4}))
    assert change.updated == {"a.chat-deployment", "b.chat-deployment"}, "a number in it"
    assert not change.created | change.deleted | change.replaced, "and nothing else"


def test_a_new_engine_image_moves_servers_and_leaves_every_cache_alone(before: Graph, tmp_path: Path) -> None:
    def newer(settings: Settings) -> None:
        settings["clusters"]["a"]["engine_image"] = f"registry.test/engine@sha256:{'0' * 64}"

    change = _change(before, tmp_path, newer)
    audits = {name for name in change.updated if name.endswith("-audit")}
    assert change.updated - audits == {"a.chat-deployment", "a.wide-deployment", "a.labels-deployment"}, "every server of that cluster, one by one"
    assert len(audits) == 2, "the audits to come run in it as well"
    assert not change.created | change.deleted | change.replaced, "no mirror runs again"


def test_another_storage_class_empties_no_cache(before: Graph, tmp_path: Path) -> None:
    change = _change(before, tmp_path, lambda settings: settings["clusters"]["a"]["storage_classes"].update(cache="faster"))
    assert not change.created | change.deleted | change.updated, "it counts for caches made from now on"


def test_another_folder_is_another_cache_beside_the_old_one(before: Graph, tmp_path: Path) -> None:
    change = _change(before, tmp_path, lambda settings: settings["clusters"]["b"].update(cache_folder="/srv/faster"))
    assert change.updated == {"b.chat-deployment", "b.labels-deployment"}, "servers move to it one by one"
    for names in (change.created, change.deleted):
        assert {name.split(".")[0] for name in names} == {"b"}, "in that cluster alone"
        assert set(_parts(names, "b")) == {"audit", "claim", "mirror", *VOLUMES}, "caches of the same models"
    assert not change.replaced, "a volume's source cannot be changed, and nothing tries to"


def test_a_cluster_that_moves_from_a_storage_class_to_a_folder_gets_new_caches(before: Graph, tmp_path: Path) -> None:
    def move(settings: Settings) -> None:
        del settings["clusters"]["a"]["storage_classes"]
        settings["clusters"]["a"]["cache_folder"] = "/srv/models"

    change = _change(before, tmp_path, move)
    assert {*_parts(change.deleted, "a")} == {"audit", "claim", "mirror"}, "the old claims go last"
    assert {*_parts(change.created, "a")} == {"audit", "claim", "mirror", *VOLUMES}, "under other names"
    assert not change.replaced, "no claim is emptied in place"


def test_another_cluster_adds_only_itself(before: Graph, tmp_path: Path) -> None:
    def more(settings: Settings) -> None:
        first = settings["clusters"]["a"]
        uid = "cccccccc-0000-4000-8000-000000000003"
        settings["clusters"] = {"c": {**first, "context": "c", "region": "c", "cluster_uid": uid}, **settings["clusters"]}

    change = _change(before, tmp_path, more)
    assert not change.updated | change.deleted, "a place in the list means nothing"
    assert {name.split(".")[0].split("-")[0] for name in change.created} == {"c"}, "even as the first of them"


def test_a_retired_cluster_keeps_everything_until_its_entry_goes(before: Graph, tmp_path: Path) -> None:
    change = _change(before, tmp_path, lambda settings: settings["clusters"]["b"].update(state="retiring"))
    assert not change.created | change.deleted | change.updated, "the first of two steps"
    gone = _change(before, tmp_path, lambda settings: settings["clusters"].pop("b"))
    assert {name.split(".")[0].split("-")[0] for name in gone.deleted} == {"b"}, "the second takes it, and only it"
    assert not gone.created | gone.updated, "the other cluster does not notice"
