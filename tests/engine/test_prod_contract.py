"""Protection must never be in the way: in prod a new revision, a removed model and a replaced pool preview clean."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import yaml

from fleet.settings import CONFIG_KEY
from tests.support.engine_fleet import PROJECT, SMALL, EngineFleet

pytestmark = pytest.mark.engine

REVISION = "c" * 40


def _prod() -> dict[str, Any]:
    """Existing clusters under the rules of prod, with what the shipped prod file accepts."""
    shipped = yaml.safe_load((PROJECT / "Pulumi.prod.yaml").read_text(encoding="utf-8"))["config"][CONFIG_KEY]
    models = {name: model | {"replicas": {"min": 2}} for name, model in SMALL["models"].items()}
    return {**SMALL, "environment": "prod", "models": models, "accepted_risks": shipped.get("accepted_risks", [])}


@pytest.fixture(scope="module")
def fleet(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EngineFleet]:
    found = EngineFleet(tmp_path_factory.mktemp("fleet"), _prod())
    found.up()
    yield found
    found.remove()


def test_nothing_inside_a_cluster_is_protected(fleet: EngineFleet) -> None:
    protected = [resource["urn"] for resource in fleet.state() if resource.get("protect")]
    assert not protected, "children inherit protection, and every immutable object would jam the engine"


def test_a_new_revision_previews_clean(fleet: EngineFleet) -> None:
    before = dict(fleet.settings["models"]["chat"])
    fleet.settings["models"]["chat"] = before | {"revision": REVISION}
    changes = fleet.stack().preview()
    fleet.settings["models"]["chat"] = before
    assert {name for name, count in changes.items() if count} == {"create", "update", "delete", "same"}, "new caches, moved servers, old caches"


def test_a_removed_model_previews_clean(fleet: EngineFleet) -> None:
    removed = fleet.settings["models"].pop("labels")
    changes = fleet.stack().preview()
    fleet.settings["models"]["labels"] = removed
    assert {name for name, count in changes.items() if count} == {"delete", "same"}, "its objects go, no other changes"


def test_a_replaced_pool_previews_clean_and_moves_its_model(fleet: EngineFleet) -> None:
    fleet.settings["pools"]["a10g"] = {"accelerator": "A10G", "max_nodes": 4}
    fleet.settings["models"]["chat"]["pool"] = "a10g"
    del fleet.settings["pools"]["l4"]
    changes = fleet.stack().preview()
    assert {name for name, count in changes.items() if count} == {"update", "same"}, "the same objects on other nodes"
    fleet.up()
    assert {change.kind for change in fleet.provider.log} == {"Deployment"}, "only servers move"
