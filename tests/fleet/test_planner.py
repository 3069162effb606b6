"""The whole plan: what is shipped is accepted, defaults are safe, order means nothing, and production is strict."""

from __future__ import annotations

from typing import Any

import pytest

from fleet import PlanError, plan
from fleet.fleet_plan import FleetPlan
from fleet.stack_file import parse
from tests.support.plan_rules import broken
from tests.support.stack_files import REMOVED, SHIPPED, changed, refused, shipped, shipped_plan, small

pytestmark = pytest.mark.pure

IMAGE = "docker.io/vllm/vllm-openai:v0.33.0"
UNPINNED = f"{IMAGE} has no digest: a tag can move; `python -m fleet lock` asks the registry"
SMALLEST = {
    "name": "acme",
    "clusters": {"gcp-usc1": {"cloud": "gcp", "region": "us-central1", "project": "acme-test"}},
    "models": {"chat": {"tier": "small"}},
}


def _plan(settings: dict[str, Any]) -> FleetPlan:
    return plan(parse(settings))


def _problems(settings: dict[str, Any]) -> dict[str, str]:
    return {problem.field: problem.message for problem in refused(settings)[1]}


def _backwards(value: Any) -> Any:
    return {key: _backwards(value[key]) for key in reversed(value)} if isinstance(value, dict) else value


@pytest.mark.parametrize("stack", SHIPPED)
def test_the_shipped_fleets_are_accepted_and_say_what_is_not_pinned(stack: str) -> None:
    found = shipped_plan(stack)
    assert found.unresolved == (UNPINNED,), "the digest of the engine image, and nothing else"
    assert found.stack == stack, "the title names the stack"
    assert all(len(model.revision) == 40 for cluster in found.clusters for model in cluster.models), "every model is at a commit"


def test_the_shipped_fleets_warn_of_what_may_not_be_meant_and_of_nothing_else() -> None:
    rest = {
        stack: sorted(
            {warning for warning in shipped_plan(stack).warnings if " one replica: " not in warning and warning not in shipped_plan(stack).unresolved}
        )
        for stack in SHIPPED
    }
    fp8 = "coder in gcp-usc1: A100-80GB has no fp8 units: fp8 weights save memory and no time"
    assert rest == {"local": [], "staging": [fp8], "prod": []}, "a warning that is always there is read by nobody"


def test_production_repeats_the_risk_that_it_accepts_and_its_reason() -> None:
    found = shipped_plan("prod")
    assert [risk for risk, _ in found.accepted_risks] == [f"unresolved image {IMAGE}"], "by name"
    assert "python -m fleet lock" in found.accepted_risks[0][1], "with the way out"
    assert UNPINNED not in found.warnings, "what is accepted warns nobody"


def test_every_production_cluster_of_ours_is_protected_and_no_other() -> None:
    assert all(cluster.protect for cluster in shipped_plan("prod").clusters), "prod"
    assert not any(cluster.protect for stack in ("local", "staging") for cluster in shipped_plan(stack).clusters), "not prod"


@pytest.mark.parametrize("stack", SHIPPED)
def test_the_order_of_a_stack_file_means_nothing(stack: str) -> None:
    reordered = {cluster.name: cluster for cluster in _plan(_backwards(shipped(stack))).clusters}
    for cluster in shipped_plan(stack).clusters:
        other = reordered[cluster.name]
        assert sorted(other.models, key=lambda model: model.name) == sorted(cluster.models, key=lambda model: model.name), "the same servers"
        assert (other.pools, other.caches, other.identifier) == (cluster.pools, cluster.caches, cluster.identifier), "and all they stand on"


@pytest.mark.parametrize(
    "added",
    [
        {"clusters.another": {"cloud": "gcp", "region": "us-east4", "project": "acme-test"}},
        {"pools.another": {"accelerator": "T4", "max_nodes": 2}},
        {"models.another": {"tier": "small", "pool": "l4", "placements": {"eu": {}}}},
    ],
)
def test_an_addition_changes_nothing_in_other_clusters(added: dict[str, Any]) -> None:
    before = {cluster.name: cluster for cluster in _plan(small()).clusters}
    after = {cluster.name: cluster for cluster in _plan(changed(small(), added)).clusters}
    untouched = [name for name in before if name != "eu" or "models.another" not in added]
    assert {name: after[name] for name in untouched} == {name: before[name] for name in untouched}, "no cluster is touched by its neighbour"


def test_the_smallest_useful_file_is_a_name_a_cluster_and_a_model() -> None:
    found = _plan(SMALLEST)
    cluster = found.clusters[0]
    (pool,), (model,) = cluster.pools, cluster.models
    assert (pool.name, pool.accelerator, pool.gpus_per_node, pool.max_nodes) == ("l4", "L4", 1, 2), "one GPU, and room for a rollout"
    assert (model.replicas.min, model.replicas.max, model.slo) == (1, 1, "standard"), "no more than was asked for"
    assert (model.rollout.max_surge, model.rollout.max_unavailable) == (1, 0), "and it can be replaced without an outage"
    assert any("pools names none" in warning for warning in found.warnings), "nobody is surprised by a machine"
    assert broken(found) == [], "every rule holds"


@pytest.mark.parametrize(
    "cluster",
    [
        {"cloud": "gcp", "region": "us-central1", "project": "acme-test"},
        {"cloud": "aws", "region": "us-east-2", "runner": "in_vpc"},
        {"cloud": "existing", "context": "lab", "storage_classes": {"cache": "nfs"}},
    ],
    ids=["gcp", "aws", "existing"],
)
@pytest.mark.parametrize("tier", ["mini-int4", "small", "medium", "large"])
def test_every_tier_has_a_default_pool_in_every_cloud(cluster: dict[str, Any], tier: str) -> None:
    found = _plan(changed(SMALLEST, {"clusters": {"one": cluster}, "models.chat.tier": tier}))
    assert broken(found) == [], "the smallest file works for each of them"


def test_a_default_pool_holds_all_models_of_its_tier() -> None:
    models = {"chat": {"tier": "small", "replicas": {"min": 2, "max": 3}}, "code": {"tier": "small"}, "big": {"tier": "large"}}
    pools = {pool.name: pool.max_nodes for pool in _plan(changed(SMALLEST, {"models": models})).clusters[0].pools}
    assert pools == {"l4": 5, "rtx-pro-6000": 2}, "3 + 1 servers and one for a rollout; 1 and one"


def test_there_is_no_default_pool_beside_named_ones_or_without_a_tier() -> None:
    beside = changed(SMALLEST, {"pools": {"t4": {"accelerator": "T4", "max_nodes": 1}}})
    assert "nothing says on which GPUs" in _problems(beside)["models.chat.pool"], "who names pools decides"
    own = changed(SMALLEST, {"models": {"chat": {"model": "Qwen/Qwen3-8B"}}})
    assert "only a model with a tier has a default one" in _problems(own)["models.chat.pool"], "nobody guesses GPUs for an unknown model"


def test_defaults_are_safe() -> None:
    settings = parse(SMALLEST)
    cluster = _plan(SMALLEST).clusters[0]
    assert settings.environment == "dev", "nothing becomes prod by itself"
    assert cluster.state == "active", "it serves"
    assert cluster.pools[0].min_nodes == 0, "no machine without work"
    assert cluster.pools[0].capacity == ("on_demand",), "no machine that is taken away"
    assert cluster.models[0].secret_env == {}, "no secret is expected"


def test_production_wants_two_servers_of_what_people_wait_for() -> None:
    lonely = changed(shipped("prod"), {"models.chat.replicas": {"min": 1, "max": 6}})
    assert "at least 2 replicas per cluster" in _problems(lonely)["models.chat.replicas.min"], "one may fail"
    own = changed(shipped("prod"), {"models.chat.placements.gcp-usc1": {"pool": "l4", "replicas": {"min": 1}}})
    assert list(_problems(own)) == ["models.chat.placements.gcp-usc1.replicas.min"], "where the number stands"
    batch = changed(shipped("prod"), {"models.labels.replicas": {"min": 1}})
    assert _problems(batch) == {}, "nobody waits for a batch"
    assert _problems(changed(lonely, {"environment": "staging"})) == {}, "and staging is not prod"


def test_production_refuses_what_is_not_pinned_until_it_is_accepted_by_name() -> None:
    silent = changed(shipped("prod"), {"accepted_risks": REMOVED})
    message = _problems(silent)["accepted_risks"]
    assert "prod runs only what is pinned" in message, "why"
    assert "{risk: 'unresolved image docker.io/vllm/vllm-openai:v0.33.0', reason: ...}" in message, "the line to write"
    other = changed(shipped("prod"), {"accepted_risks": [{"risk": "unresolved image other", "reason": "another image"}]})
    assert "accepted_risks" in _problems(other), "another risk's acceptance does not count"


def test_an_acceptance_that_names_nothing_any_more_is_told() -> None:
    found = _plan(changed(small(), {"accepted_risks": [{"risk": "gone", "reason": "it was there once"}]}))
    assert "accepted risk 'gone' names nothing in this plan: remove it" in found.warnings, "it would hide the next one of that name"


def test_a_plan_over_budget_is_refused_and_names_its_largest_line() -> None:
    message = _problems(changed(shipped("prod"), {"budget.monthly_usd": 20000}))["budget.monthly_usd"]
    assert "the largest line is pool a100 in gcp-usc1 (a2-ultragpu-2g)" in message, "where the money goes"
    assert "20000" in message, "what there is"


def test_a_budget_is_judged_only_once_the_rest_is_right() -> None:
    both = changed(shipped("prod"), {"budget.monthly_usd": 20000, "models.chat.tier": "smal"})
    assert "budget.monthly_usd" not in _problems(both), "the sum of half a fleet means nothing"


def test_a_retiring_cluster_loses_its_protection_keeps_serving_and_says_so() -> None:
    found = _plan(changed(shipped("prod"), {"clusters.gcp-usc1.state": "retiring"}))
    cluster = next(cluster for cluster in found.clusters if cluster.name == "gcp-usc1")
    assert not cluster.protect, "otherwise its entry could not be deleted"
    assert cluster.models, "traffic goes first"
    assert "model writer runs only in retiring clusters: deleting their entries ends it" in found.warnings, "what would be lost"
    assert all(other.protect for other in found.clusters if other is not cluster), "the others stay protected"


def test_what_nobody_uses_is_told() -> None:
    found = _plan(changed(small(), {"pools.spare": {"accelerator": "T4", "max_nodes": 1}, "models.chat.placements": {"here": {}, "us": {}}}))
    assert "pool spare is used by no model: it becomes no machine anywhere" in found.warnings, "a forgotten pool"
    assert "cluster eu runs no model" in found.warnings, "a forgotten cluster costs money"


def test_a_refusal_is_one_error_with_every_problem() -> None:
    with pytest.raises(PlanError) as error:
        _plan(changed(small(), {"models.chat.tier": "smal", "clusters.us.weight": 1}))
    assert len(error.value.problems) == 2, "both at once"
    assert str(error.value).count("\n") == 1, "one line each"
