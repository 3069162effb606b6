"""A fleet from nothing to nothing under the real engine: what is made, changed and removed, and in which order.

The provider is a stand-in that this process serves; what a real API server says of the same objects is the cluster tier's.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator

import pytest

from fleet import FleetPlan, plan
from fleet.settings import Secrets
from fleet.stack_file import read
from stacks.outputs import FleetOutputs
from tests.support.engine_fleet import PROJECT, SMALL, EngineFleet
from tests.support.simulated_cluster import TOKEN

pytestmark = pytest.mark.engine

PER_CLUSTER = Counter(Namespace=1, PriorityClass=3, ServiceAccount=2, NetworkPolicy=3, ConfigMap=1)
PER_CACHE = Counter(PersistentVolumeClaim=1, Job=1, CronJob=1)
PER_FOLDER = Counter(PersistentVolume=2, PersistentVolumeClaim=1)
"""What a cache has on top where it lies in a folder."""
PER_MODEL = Counter(Deployment=1, Service=1, PodDisruptionBudget=1)
REVISION = "b" * 40
API_KEY = "engine-key"


@pytest.fixture(scope="module")
def fleet(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EngineFleet]:
    found = EngineFleet(tmp_path_factory.mktemp("fleet"), SMALL | {"secrets": {"engine_api_key": API_KEY}})
    yield found
    found.remove()


def _kinds(planned: FleetPlan) -> Counter[str]:
    expected: Counter[str] = Counter()
    for cluster in planned.clusters:
        folders = sum(cache.static is not None for cache in cluster.caches)
        for kinds, count in ((PER_CLUSTER, 1), (PER_CACHE, len(cluster.caches)), (PER_FOLDER, folders), (PER_MODEL, len(cluster.models))):
            expected.update({kind: number * count for kind, number in kinds.items()})
    return expected


def _previewed(fleet: EngineFleet) -> Counter[str]:
    return Counter(urn.split("::")[2].rpartition(":")[2] for urn in fleet.provider.previewed)


def test_a_preview_of_the_shipped_local_stack_counts_what_its_plan_means_and_makes_nothing(fleet: EngineFleet) -> None:
    shipped = PROJECT / "Pulumi.local.yaml"
    expected = _kinds(plan(read(shipped), stack="local"))
    changes = fleet.stack(shipped).preview()
    assert set(changes) == {"create"}, "everything is new"
    assert _previewed(fleet) == expected, "every object of the plan, each once, right for Kubernetes' schemas and the SDK's names"
    assert changes["create"] > expected.total(), "the engine counts components and providers as well"
    assert not fleet.provider.objects, "a preview makes nothing"


def test_the_first_update_makes_every_object_once_and_hands_out_the_contract(fleet: EngineFleet) -> None:
    outputs = fleet.stack().up(fleet.said.append)
    made = Counter(change.kind for change in fleet.provider.log)
    assert made == _kinds(fleet.plan()), "what the plan says"
    assert {change.operation for change in fleet.provider.log} == {"create"}, "nothing was there before"
    contract = json.loads(json.dumps(FleetOutputs.of(fleet.plan(), Secrets(engine_api_key=API_KEY)).values))
    assert outputs == contract, "other teams read the plan's values, and of the secret its name"


def test_everything_is_made_after_what_it_needs(fleet: EngineFleet) -> None:
    order = {change.urn: index for index, change in enumerate(fleet.provider.log)}
    for urn, needed in fleet.dependencies().items():
        assert all(order[one] < order[urn] for one in needed), f"{urn} was made before what it depends on"
    servers = [needed for urn, needed in fleet.dependencies().items() if urn.split("::")[2].endswith(":Deployment")]
    assert all(any(":PersistentVolumeClaim::" in one for one in needed) for needed in servers), "a model server needs its weights' claim"
    for name in ("east", "west"):
        own = [change for change in fleet.provider.log if change.cluster == f"local-{name}"]
        namespace = next(index for index, change in enumerate(own) if change.kind == "Namespace")
        inside = [index for index, change in enumerate(own) if change.kind not in {"Namespace", "PriorityClass"}]
        assert namespace < min(inside), "the namespace comes before everything inside it"


def test_an_update_without_a_change_changes_nothing(fleet: EngineFleet) -> None:
    assert fleet.up() == {}, "the same stack file means the same objects"
    assert not fleet.provider.log, "the provider was asked to change nothing"


def test_a_refresh_finds_no_difference(fleet: EngineFleet) -> None:
    assert fleet.up(refresh=True) == {}, "what was stored is what is read back"
    assert not fleet.provider.log, "and nothing had to be mended"


def test_an_object_deleted_by_hand_is_made_again_by_an_update_with_refresh(fleet: EngineFleet) -> None:
    gone = ("local-east", "Service", "vllm/chat")
    del fleet.provider.objects[gone]
    fleet.up(refresh=True)
    assert [str(change) for change in fleet.provider.log] == ["create local-east/Service/chat"], "that one and no other"


def test_a_scaled_model_is_exactly_one_update(fleet: EngineFleet) -> None:
    fleet.settings["models"]["labels"]["replicas"] = {"min": 2}
    assert fleet.up() == {"update": 1}, "one Deployment"
    assert [str(change) for change in fleet.provider.log] == ["update local-east/Deployment/labels"], "the one whose replicas changed"


def test_another_storage_class_empties_no_cache(fleet: EngineFleet) -> None:
    fleet.settings["clusters"]["east"]["storage_classes"]["cache"] = "faster"
    fleet.up()
    assert not fleet.provider.log, "a claim's class cannot be changed: replaced, its servers would lose their weights"


def test_a_new_revision_is_made_beside_the_old_one_which_goes_last(fleet: EngineFleet) -> None:
    fleet.settings["models"]["labels"]["revision"] = REVISION
    fleet.up()
    order = [(change.operation, change.kind) for change in fleet.provider.log]
    cache = [(operation, kind) for operation in ("create", "delete") for kind in PER_CACHE]
    assert Counter(order) == Counter([*cache, ("update", "Deployment")]), "a new cache, its model moved, the old cache removed"
    moved = order.index(("update", "Deployment"))
    removed = [index for index, (operation, _) in enumerate(order) if operation == "delete"]
    assert order.index(("create", "PersistentVolumeClaim")) < moved, "there is a claim to mount when the first new pod starts"
    assert min(removed) > moved, "weights that a pod may still read stay until the servers have moved"


def test_a_removed_model_takes_its_objects_with_it_and_no_other(fleet: EngineFleet) -> None:
    del fleet.settings["models"]["labels"]
    fleet.up()
    assert {change.operation for change in fleet.provider.log} == {"delete"}, "nothing else is touched"
    assert Counter(change.kind for change in fleet.provider.log) == PER_CACHE + PER_MODEL, "all six objects of it"


def test_no_credential_is_in_the_state(fleet: EngineFleet) -> None:
    assert TOKEN in fleet.clusters.kubeconfig.read_text(encoding="utf-8"), "the program reached the clusters with it"
    assert TOKEN not in fleet.state_text(), "the state holds the path of the kubeconfig, never what is in it"


def test_a_destroy_deletes_everything_in_reverse_and_the_namespace_after_all_that_is_in_it(fleet: EngineFleet) -> None:
    needed_by = fleet.dependencies()
    fleet.provider.forget()
    fleet.stack().destroy(fleet.said.append)
    assert not fleet.provider.objects, "nothing is left"
    order = {change.urn: index for index, change in enumerate(fleet.provider.log)}
    assert len(order) == len(fleet.provider.log), "everything is deleted once"
    for urn, needed in needed_by.items():
        assert all(order[urn] < order[one] for one in needed), f"{urn} outlived what it depends on"
    for name in ("east", "west"):
        own = [change.kind for change in fleet.provider.log if change.cluster == f"local-{name}" and change.kind != "PriorityClass"]
        assert own[-1] == "Namespace", "deleting a namespace first would take all its objects away from under the engine"
