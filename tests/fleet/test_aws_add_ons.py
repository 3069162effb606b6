"""Add-ons of an EKS cluster: values that the charts take, on the machines that they are meant for, with nothing secret in them."""

from __future__ import annotations

import json
from dataclasses import replace
from functools import cache
from typing import Any

import pytest

from fleet.add_ons import AddOn, InCluster, ManifestSpec
from fleet.aws.add_ons import in_cluster, managed
from fleet.aws.inputs import RegionInputs
from fleet.aws.plan import ManagedAddOnPlan
from fleet.aws.secrets import secret_name, secrets
from fleet.naming import HELM_RELEASE
from fleet.references import Reference
from fleet.settings import Secrets
from fleet.settings.fleet import Charts
from tests.support.aws_regions import region, template
from tests.support.chart_values import RECORDED, keys_in, leaves, secret_keys, unknown_keys

pytestmark = pytest.mark.pure

UNRECORDED = {"coredns"}
"""Add-ons with values whose sources are published nowhere; theirs come from published examples."""

NAMED = Secrets(hub_token="hub", engine_api_key="engine")


def _with(inputs: RegionInputs, **changes: Any) -> RegionInputs:
    return replace(inputs, settings=inputs.settings.model_copy(update=changes))


@cache
def _full() -> InCluster:
    return in_cluster(_with(region(), secrets=NAMED))


def _chart(name: str, inputs: RegionInputs | None = None) -> AddOn:
    (found,) = [add_on for add_on in (in_cluster(inputs) if inputs else _full()).add_ons if add_on.name == name]
    return found


def _managed(name: str, inputs: RegionInputs | None = None) -> ManagedAddOnPlan:
    (found,) = [add_on for add_on in managed(inputs or region()) if add_on.name == name]
    return found


def test_every_value_of_a_chart_is_one_that_its_pinned_version_takes() -> None:
    for add_on in _full().add_ons:
        recorded = RECORDED["charts"][add_on.name]
        assert add_on.version == recorded["version"], (
            f"the keys of {add_on.name} {add_on.version} are not recorded: Helm ignores a wrong one silently"
        )
        assert not list(unknown_keys(recorded["keys"], add_on.values)), f"Helm would ignore these of {add_on.name}"


def test_every_value_of_a_managed_add_on_is_in_its_recorded_schema() -> None:
    for add_on in managed(region()):
        if add_on.values and add_on.name not in UNRECORDED:
            assert not list(unknown_keys(RECORDED["managed"][add_on.name]["keys"], add_on.values)), f"EKS would refuse {add_on.name}"


def test_a_wrong_key_is_noticed() -> None:
    keys = RECORDED["charts"]["cluster-autoscaler"]["keys"]
    assert list(unknown_keys(keys, {"image": {"tgo": "x"}, "rbac": {"serviceAccount": {"name": "y"}}, "extraArgs": {"any": 1}})) == ["image.tgo"]
    assert list(unknown_keys(keys, {"awsRegion": {"name": "x"}})) == ["awsRegion"], "a map where the chart takes a word"


def test_values_survive_the_way_through_json() -> None:
    for add_on in (*_full().add_ons, *managed(region())):
        assert all(isinstance(key, str) for key in keys_in(add_on.values)), f"{add_on.name}: a number as a key arrives nowhere"
        kinds = str | int | float | bool | Reference
        assert all(isinstance(leaf, kinds) for leaf in leaves(add_on.values)), f"{add_on.name}: a value of another kind"


def test_names_of_releases_are_fixed_and_short_enough_for_helm() -> None:
    names = [add_on.name for add_on in _full().add_ons]
    assert len(set(names)) == len(names), "one release of a name"
    assert all(len(name) <= HELM_RELEASE for name in names), "Helm refuses longer ones"


def test_what_an_add_on_needs_comes_before_it() -> None:
    wanted = _full()
    known: set[str] = set()
    for add_on in wanted.add_ons:
        assert set(add_on.needs) <= known, f"{add_on.name} would be made too early"
        known.add(add_on.name)
    for spec in (*wanted.storage_classes, *wanted.manifests):
        assert set(spec.needs) <= known, f"{spec.name} needs what nobody makes"
    namespaces = {"kube-system", *(namespace.name for namespace in wanted.namespaces)}
    assert {add_on.namespace for add_on in wanted.add_ons} <= namespaces, "Helm is not asked to make namespaces: they would have no Pod Security"


def test_namespaces_enforce_the_most_that_their_pods_bear() -> None:
    levels = {namespace.name: namespace.pod_security for namespace in _full().namespaces}
    assert levels == {"gpu-system": "privileged", "external-secrets": "restricted"}, "GPU agents mount host paths, the operator needs nothing"


def test_no_value_and_no_manifest_holds_a_secret() -> None:
    for add_on in _full().add_ons:
        assert not secret_keys(add_on.values), f"{add_on.name}: values lie in the state"


def test_controllers_keep_to_system_machines_and_agents_to_gpu_machines() -> None:
    for name in ("cluster-autoscaler", "aws-load-balancer-controller"):
        assert _chart(name).values["nodeSelector"] == {"workload": "system"}, f"{name} must not sit on a machine that a spot notice takes"
    operator: Any = _chart("external-secrets").values
    assert operator["global"]["nodeSelector"] == {"workload": "system"}, "for all three of its workloads"
    label = region().pools[0].node_labels
    for name in ("nvidia-device-plugin", "dcgm-exporter"):
        values: Any = _chart(name).values
        (term,) = values["affinity"]["nodeAffinity"]["requiredDuringSchedulingIgnoredDuringExecution"]["nodeSelectorTerms"]
        (expression,) = term["matchExpressions"]
        assert expression["key"] in label, f"{name} waits for a label that GPU machines carry"


def test_agents_tolerate_the_taint_of_gpu_machines() -> None:
    (taint,) = region().pools[0].node_taints
    for name in ("nvidia-device-plugin", "dcgm-exporter"):
        values: Any = _chart(name).values
        assert {"key": taint.key, "operator": "Exists"} in values["tolerations"], f"{name} would stay away from the machines it is for"
    watching: Any = _managed("eks-node-monitoring-agent").values
    assert watching["dcgmAgent"]["tolerations"] == [{"key": taint.key, "operator": "Exists"}], "it tolerates nothing by default"
    for name in ("aws-ebs-csi-driver", "aws-mountpoint-s3-csi-driver"):
        driver: Any = _managed(name).values
        assert driver["node"]["tolerateAllTaints"] is True, f"{name} mounts weights on GPU machines"


def test_nobody_waits_for_pods_on_machines_that_come_and_go() -> None:
    waiting = {add_on.name: add_on.wait for add_on in _full().add_ons}
    assert not waiting["nvidia-device-plugin"], "one broken GPU machine must not fail the update of a region"
    assert not waiting["dcgm-exporter"], "likewise"
    assert waiting["external-secrets"], "its webhook answers for the objects that come next"


def test_the_autoscaler_is_of_the_clusters_minor_and_knows_its_cluster() -> None:
    for version in ("1.35", "1.36"):
        inputs = region(kubernetes_version=version)
        values: Any = _chart("cluster-autoscaler", inputs).values
        assert values["image"]["tag"].startswith(f"v{version}."), "it simulates the scheduler of its own minor"
        assert values["autoDiscovery"]["clusterName"] == inputs.name, "without the name the chart renders no Deployment and says nothing"
        assert values["awsRegion"] == inputs.region, "it cannot ask the machine"


@pytest.mark.parametrize(("grace_seconds", "expected"), [(95, 600), (600, 600), (3600, 3600)])
def test_the_autoscaler_waits_for_the_longest_drain(grace_seconds: int, expected: int) -> None:
    model, _ = template()
    inputs = replace(region(), models=(replace(model, drain=replace(model.drain, grace_seconds=grace_seconds)), model))
    values: Any = _chart("cluster-autoscaler", inputs).values
    assert values["extraArgs"]["max-graceful-termination-sec"] == expected, "a shorter one would cut answers off"


def test_the_ladder_of_a_pool_becomes_the_expanders_priorities() -> None:
    inputs = region({"t4": {"accelerator": "T4", "max_nodes": 4, "capacity": ("spot", "on_demand")}})
    values: Any = _chart("cluster-autoscaler", inputs).values
    assert "priority" in values["extraArgs"]["expander"].split(","), "the chart makes its ConfigMap only then"
    ladder = [names for _, names in sorted(values["expanderPriorities"].items(), key=lambda entry: -int(entry[0]))]
    assert "spot" in ladder[0][0], "first choice first"
    assert "od" in ladder[1][0], "then the second"
    assert ladder[-1] == [".*"], "a group that nothing names would never grow"


def test_bottlerocket_brings_its_own_device_plugin() -> None:
    names = {add_on.name for add_on in in_cluster(region(node_image="bottlerocket")).add_ons}
    assert "nvidia-device-plugin" not in names, "two plugins would announce every GPU twice"
    assert "dcgm-exporter" in names, "measuring is nobody else's job"


def test_the_load_balancer_controller_fills_target_groups_and_makes_nothing() -> None:
    values: Any = _chart("aws-load-balancer-controller").values
    assert values["vpcId"] == Reference("vpc_id"), "it cannot ask the machine"
    gates = values["controllerConfig"]["featureGates"]
    assert not any(gates.values()), "a load balancer of its making would be in no state, and outlive a destroy"
    assert {"EnableServiceController", "NLBGatewayAPI", "ALBGatewayAPI"} <= set(gates), "each of these makes load balancers"
    assert values["enableServiceMutatorWebhook"] is False, "it would claim every Service of type LoadBalancer"
    assert values["keepTLSSecret"] is True, "a new certificate authority at every update breaks its webhooks for a moment"


def test_nobody_asks_for_monitors_before_there_is_monitoring() -> None:
    for add_on in _full().add_ons:
        monitor: Any = add_on.values.get("serviceMonitor", {"enabled": False})
        assert monitor == {"enabled": False}, f"{add_on.name} would fail: no cluster knows the kind yet"


def test_nothing_for_secrets_is_there_where_none_is_named() -> None:
    wanted = in_cluster(region())
    assert "external-secrets" not in {add_on.name for add_on in wanted.add_ons}, "an operator that may read all Secrets, for nothing"
    assert not wanted.manifests, "no store without its operator"
    assert not wanted.serving_labels, "and no namespace that it would answer"
    assert secrets(region()) == (), "no container either"


def test_each_named_secret_is_copied_under_the_key_that_its_reader_asks_for() -> None:
    copies = {spec.name: _data(spec) for spec in _full().manifests if spec.kind == "ExternalSecret"}
    assert copies == {"hub": {"token": "acme/dev/us/hub-token"}, "engine": {"key": "acme/dev/us/engine-api-key"}}, "as the stack file's words say"


def test_two_values_may_share_one_secret() -> None:
    inputs = _with(region(), secrets=Secrets(hub_token="both", engine_api_key="both"))
    (spec,) = [spec for spec in in_cluster(inputs).manifests if spec.kind == "ExternalSecret"]
    assert _data(spec) == {"token": "acme/dev/us/hub-token", "key": "acme/dev/us/engine-api-key"}, "two owners of one Secret would fight over it"


def _data(spec: ManifestSpec) -> dict[str, str]:
    entries: Any = spec.spec["data"]
    return {entry["secretKey"]: entry["remoteRef"]["key"] for entry in entries}


def test_the_store_answers_only_the_serving_namespace() -> None:
    wanted = _full()
    (store,) = [spec for spec in wanted.manifests if spec.kind == "ClusterSecretStore"]
    content: Any = store.spec
    assert content["conditions"] == [{"namespaceSelector": {"matchLabels": wanted.serving_labels}}], "others could copy the fleet's secrets"
    assert "auth" not in content["provider"]["aws"], "the operator's own identity: no key anywhere"
    assert all(spec.needs == ("external-secrets",) for spec in wanted.manifests), "its webhook refuses them before"


def test_a_secret_is_recoverable_for_longer_in_production() -> None:
    for environment, days in (("prod", 30), ("dev", 0)):
        inputs = _with(region(environment=environment, secret_replicas=("us-west-2",)), secrets=NAMED)
        for plan in secrets(inputs):
            assert plan.recovery_days == days, f"what {environment} can bear"
            assert plan.name == secret_name(inputs, plan.key), "one spelling for the container and its copy"
            assert plan.replica_regions == ("us-west-2",), "as the cluster says"


def test_a_repository_of_the_users_own_replaces_every_other() -> None:
    plain = in_cluster(_with(region(), secrets=NAMED, charts=Charts(repository="https://charts.example.com/all")))
    assert {add_on.repository for add_on in plain.add_ons} == {"https://charts.example.com/all"}, "nothing is fetched from elsewhere"
    assert [add_on.chart for add_on in plain.add_ons] == [add_on.chart for add_on in _full().add_ons], "charts keep their names there"
    registry = in_cluster(_with(region(), secrets=NAMED, charts=Charts(repository="oci://registry.example.com/charts")))
    assert {add_on.repository for add_on in registry.add_ons} == {None}, "a registry has no index"
    assert all(add_on.chart == f"oci://registry.example.com/charts/{add_on.name}" for add_on in registry.add_ons), "the whole address"


def test_machines_get_their_network_before_they_start_and_drivers_after() -> None:
    early = [add_on.name for add_on in managed(region()) if add_on.before_nodes]
    late = [add_on.name for add_on in managed(region()) if not add_on.before_nodes]
    assert early == ["vpc-cni", "eks-pod-identity-agent", "kube-proxy"], "without them no machine becomes Ready, or its first pods have no identity"
    assert "coredns" in late, "it stays degraded without machines, and an update would wait for it"


def test_network_policies_are_enforced() -> None:
    values: Any = _managed("vpc-cni").values
    assert values["enableNetworkPolicy"] == "true", "as text: its schema takes no boolean"
    assert all(isinstance(value, str) for value in values["env"].values()), "an environment variable is text"
    tags = json.loads(values["env"]["ADDITIONAL_ENI_TAGS"])
    assert tags == {"fleet": "acme", "environment": "dev", "owner": "platform", "cluster": "us"}, "what is left behind can be traced"


def test_only_a_shared_cache_brings_the_driver_of_the_elastic_file_system() -> None:
    assert "aws-efs-csi-driver" not in {add_on.name for add_on in managed(region())}, "nobody mounts one"
    found = _managed("aws-efs-csi-driver", region(caches={"l4": ("shared", 40)}))
    assert (found.identity, found.service_account) == ("efs-csi", "efs-csi-controller-sa"), "it makes access points"


def test_no_version_of_a_managed_add_on_is_written_from_memory() -> None:
    assert {add_on.version for add_on in managed(region())} == {None}, "EKS's default goes with the cluster's version"
