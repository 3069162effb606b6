"""Add-ons of a GKE cluster: the same as on AWS but for what GKE does by itself, and what it does otherwise."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from typing import Any

import pytest

from fleet.add_ons import AddOn, InCluster, ManifestSpec
from fleet.aws.add_ons import in_cluster as in_aws_cluster
from fleet.gcp import compute_classes, storage
from fleet.gcp.add_ons import in_cluster
from fleet.gcp.inputs import RegionInputs
from fleet.gcp.nodes import node_pools
from fleet.gcp.secrets import secrets
from fleet.placement import GPU_RESOURCE
from fleet.references import Reference
from fleet.settings import Secrets
from fleet.settings.fleet import Charts
from tests.support.aws_regions import region as aws_region
from tests.support.chart_values import RECORDED, keys_in, leaves, secret_keys, unknown_keys
from tests.support.gcp_regions import region

pytestmark = pytest.mark.pure

NAMED = Secrets(hub_token="hub", engine_api_key="engine")


def _with(inputs: RegionInputs, **changes: Any) -> RegionInputs:
    return replace(inputs, settings=inputs.settings.model_copy(update=changes))


@cache
def _inputs() -> RegionInputs:
    return _with(region(), secrets=NAMED)


@cache
def _full() -> InCluster:
    return in_cluster(_inputs())


@cache
def _on_aws() -> InCluster:
    inputs = aws_region()
    return in_aws_cluster(replace(inputs, settings=inputs.settings.model_copy(update={"secrets": NAMED})))


def _chart(name: str, wanted: InCluster | None = None) -> AddOn:
    (found,) = [add_on for add_on in (wanted or _full()).add_ons if add_on.name == name]
    return found


def test_every_value_of_a_chart_is_one_that_its_pinned_version_takes() -> None:
    for add_on in _full().add_ons:
        recorded = RECORDED["charts"][add_on.name]
        assert add_on.version == recorded["version"], (
            f"the keys of {add_on.name} {add_on.version} are not recorded: Helm ignores a wrong one silently"
        )
        assert not list(unknown_keys(recorded["keys"], add_on.values)), f"Helm would ignore these of {add_on.name}"


def test_values_survive_the_way_through_json() -> None:
    for add_on in _full().add_ons:
        assert all(isinstance(key, str) for key in keys_in(add_on.values)), f"{add_on.name}: a number as a key arrives nowhere"
        kinds = str | int | float | bool | Reference
        assert all(isinstance(leaf, kinds) for leaf in leaves(add_on.values)), f"{add_on.name}: a value of another kind"


def test_only_what_gke_does_not_do_by_itself_is_installed() -> None:
    names = [add_on.name for add_on in _full().add_ons]
    assert names == ["dcgm-exporter", "external-secrets"], "a second device plugin or autoscaler would fight with GKE's own"


def test_what_both_clouds_install_differs_only_where_gke_differs() -> None:
    assert _chart("external-secrets") == _chart("external-secrets", _on_aws()), "nothing of the operator depends on the cloud"
    here, there = _chart("dcgm-exporter"), _chart("dcgm-exporter", _on_aws())
    assert replace(here, values={}) == replace(there, values={}), "the same release"
    different = {key for key in {*here.values, *there.values} if here.values.get(key) != there.values.get(key)}
    assert different == {"affinity", "priorityClassName", "securityContext", "extraHostVolumes", "extraVolumeMounts", "extraEnv"}, (
        "whose machine it is, and how the driver gets in"
    )


def test_nobody_takes_a_priority_that_gke_keeps_for_its_own_namespace() -> None:
    for add_on in _full().add_ons:
        words = [leaf for leaf in leaves(add_on.values) if str(leaf).startswith("system-")]
        assert not words, f"GKE would refuse the pods of {add_on.name} in {add_on.namespace}: no ResourceQuota allows these classes"
    assert _chart("dcgm-exporter").values["priorityClassName"] == "", "left out, the chart would say system-node-critical"


def test_the_exporter_finds_the_driver_without_asking_for_a_gpu() -> None:
    values: Any = _chart("dcgm-exporter").values
    assert values["securityContext"]["privileged"], "the devices are given to whoever asks for GPUs, and it must take none away"
    assert values["securityContext"]["allowPrivilegeEscalation"], "the API server refuses a privileged pod that may not escalate"
    (volume,) = values["extraHostVolumes"]
    (mount,) = [each for each in values["extraVolumeMounts"] if each["name"] == volume["name"]]
    assert mount["readOnly"], "it reads GKE's driver and must not change it"
    (variable,) = values["extraEnv"]
    assert variable["name"] == "LD_LIBRARY_PATH", "the loader looks nowhere else"
    assert variable["value"].startswith(f"{mount['mountPath']}/"), "in the folder that is mounted"
    assert any(each["mountPath"] == values["arguments"][1] for each in values["extraVolumeMounts"]), "the list replaces the mount of its counters"


@pytest.mark.parametrize("compute_class", [False, True])
def test_the_exporter_tolerates_every_taint_of_a_gpu_machine(compute_class: bool) -> None:
    inputs = region({"l4": {"accelerator": "L4", "max_nodes": 4, "capacity": ("spot", "on_demand")}}, compute_classes=compute_class)
    values: Any = _chart("dcgm-exporter", in_cluster(inputs)).values
    tolerated = {each["key"] for each in values["tolerations"] if each["operator"] == "Exists"}
    pools = [pool for pool in node_pools(inputs) if pool.accelerator]
    assert pools, "machines to measure"
    assert {GPU_RESOURCE, *(taint.key for pool in pools for taint in pool.taints)} == tolerated, (
        "GKE's own taint and the plan's, and no machine that is for others"
    )


def test_the_operator_keeps_to_system_machines() -> None:
    values: Any = _chart("external-secrets").values
    labels = [pool.labels for pool in node_pools(_inputs()) if pool.pool is None]
    assert labels, "the system's machines"
    assert all(each.items() >= values["global"]["nodeSelector"].items() for each in labels), "it waits for a label that they carry"


def test_what_an_add_on_needs_comes_before_it() -> None:
    wanted = _full()
    known: set[str] = set()
    for add_on in wanted.add_ons:
        assert set(add_on.needs) <= known, f"{add_on.name} would be made too early"
        known.add(add_on.name)
    for spec in (*wanted.storage_classes, *wanted.manifests):
        assert set(spec.needs) <= known, f"{spec.name} needs what nobody makes"
    assert {add_on.namespace for add_on in wanted.add_ons} <= {namespace.name for namespace in wanted.namespaces}, (
        "Helm is not asked to make namespaces: they would have no Pod Security"
    )


def test_namespaces_enforce_the_most_that_their_pods_bear() -> None:
    levels = {namespace.name: namespace.pod_security for namespace in _full().namespaces}
    assert levels == {"gpu-system": "privileged", "external-secrets": "restricted"}, "GPU agents mount host paths, the operator needs nothing"


def test_no_value_holds_a_secret() -> None:
    for add_on in _full().add_ons:
        assert not secret_keys(add_on.values), f"{add_on.name}: values lie in the state"


def test_nobody_waits_for_pods_on_machines_that_come_and_go() -> None:
    assert not _chart("dcgm-exporter").wait, "one broken GPU machine must not fail the update of a region"
    assert _chart("external-secrets").wait, "its webhook answers for the objects that come next"


def test_nothing_for_secrets_is_there_where_none_is_named() -> None:
    wanted = in_cluster(region())
    assert "external-secrets" not in {add_on.name for add_on in wanted.add_ons}, "an operator that may read all Secrets, for nothing"
    assert "external-secrets" not in {namespace.name for namespace in wanted.namespaces}, "nor its namespace"
    assert "ClusterSecretStore" not in {spec.kind for spec in wanted.manifests}, "no store without its operator"
    assert not wanted.serving_labels, "and no namespace that it would answer"


def test_each_named_secret_is_copied_under_the_key_that_its_reader_asks_for() -> None:
    containers = {plan.key: plan.name for plan in secrets(_inputs())}
    copies = {spec.name: _data(spec) for spec in _full().manifests if spec.kind == "ExternalSecret"}
    assert copies == {"hub": {"token": containers["hub-token"]}, "engine": {"key": containers["engine-api-key"]}}, "as the stack file's words say"


def _data(spec: ManifestSpec) -> dict[str, str]:
    entries: Any = spec.spec["data"]
    return {entry["secretKey"]: entry["remoteRef"]["key"] for entry in entries}


def test_the_store_answers_only_the_serving_namespace_and_calls_as_its_own_service_account() -> None:
    wanted = _full()
    (store,) = [spec for spec in wanted.manifests if spec.kind == "ClusterSecretStore"]
    content: Any = store.spec
    assert content["conditions"] == [{"namespaceSelector": {"matchLabels": wanted.serving_labels}}], "others could copy the fleet's secrets"
    assert content["provider"] == {"gcpsm": {"projectID": "acme-test"}}, "the operator's own identity: no key anywhere, and no other account's token"
    copies = [spec for spec in wanted.manifests if spec.kind == "ExternalSecret"]
    asked: list[Any] = [spec.spec["secretStoreRef"] for spec in copies]
    assert {each["name"] for each in asked} == {store.name}, "each copy asks this store"
    assert all(spec.needs == ("external-secrets",) for spec in (store, *copies)), "its webhook refuses them before"


def test_objects_of_compute_classes_and_storage_are_made_as_well() -> None:
    inputs = region(compute_classes=True)
    wanted = in_cluster(inputs)
    for spec in (*compute_classes.manifests(inputs), *storage.snapshot_manifests(inputs)):
        assert spec in wanted.manifests, f"{spec.kind} {spec.name} is planned and nobody makes it"
    assert wanted.storage_classes == storage.storage_classes(inputs), "claims name them"
    assert wanted.weights_egress == storage.weights_egress(inputs), "drivers beside the server reach the bucket from its network"


def test_no_two_objects_have_one_name() -> None:
    specs = [(spec.kind, spec.name) for spec in in_cluster(_with(region(compute_classes=True), secrets=NAMED)).manifests]
    assert len(set(specs)) == len(specs), "the second would replace the first"


def test_a_repository_of_the_users_own_replaces_every_other() -> None:
    plain = in_cluster(_with(region(), secrets=NAMED, charts=Charts(repository="https://charts.example.com/all")))
    assert {add_on.repository for add_on in plain.add_ons} == {"https://charts.example.com/all"}, "nothing is fetched from elsewhere"
    packed = in_cluster(_with(region(), secrets=NAMED, charts=Charts(folder="charts")))
    assert {add_on.chart for add_on in packed.add_ons} == {f"charts/{add_on.name}-{add_on.version}.tgz" for add_on in packed.add_ons}, "by file"
