"""What a Google Cloud region cannot have is refused before anything is created, with what to write instead."""

from __future__ import annotations

from typing import Any

import pytest

from fleet.gcp import checks
from fleet.gcp.quotas import needs
from fleet.problems import Problem
from fleet.settings import GcpCluster
from tests.support.gcp_fleets import A100, RESERVED, read
from tests.support.stack_files import REMOVED

pytestmark = pytest.mark.pure

SECRET = "arn:aws:secretsmanager:us-east-2:111122223333:secret:ecr-pullthroughcache/hub-a1b2c3"
L4 = "NVIDIA-L4-GPUS-per-project-region"
SPOT_A100 = "PREEMPTIBLE-NVIDIA-A100-GPUS-per-project-region"
ALL = "GPUS-ALL-REGIONS-per-project"


def problems(changes: dict[str, Any]) -> list[Problem]:
    return list(checks.problems(*read(changes)))


def notices(changes: dict[str, Any]) -> list[str]:
    return list(checks.notices(*read(changes)))


def test_the_fleet_that_the_tables_break_is_accepted_as_it_is() -> None:
    assert problems({}) == [], "otherwise every row would prove nothing"
    assert notices({}) == [], "and says nothing"


# what is changed in an accepted file: field of the only problem, words of its limit, words of its remedy
TABLE: list[tuple[dict[str, Any], str, str, str]] = [
    ({"clusters.us.images": {"mirror": True, "credential_arn": SECRET}}, "clusters.us.images.credential_arn", "secret of AWS", "remove it"),
    ({"clusters.us.secret_replicas": ["us-central1"]}, "clusters.us.secret_replicas[0]", "where the secrets are", "other regions"),
    ({"clusters.us.secret_replicas": ["us-east1", "us-east1"]}, "clusters.us.secret_replicas[1]", "twice", "once"),
    ({"pools.l4.capacity": ["spot"]}, "pools.l4.capacity", "us, twin, east, other could be taken back at once", "slo: standard"),
    ({"pools.a100.reservations": {"us": RESERVED}}, "pools.a100.reservations.us", "does not name reservation", "add the rung"),
    (
        {"pools.a100": {**A100, "capacity": ["reservation"], "reservations": {"us": {**RESERVED, "zone": "us-east4-a"}}}},
        "pools.a100.reservations.us.zone",
        "no zone that the cluster uses in us-central1",
        "us-central1-a",
    ),
    ({"clusters.us.quotas": {"NVIDIA-L5-GPUS-per-project-region": 100}}, "clusters.us.quotas.NVIDIA-L5-GPUS-per-project-region", "no quota", L4),
    (
        {"clusters.us.quotas": {"GPUS-PER-GPU-FAMILY-per-project-region": 8}},
        "clusters.us.quotas.GPUS-PER-GPU-FAMILY-per-project-region",
        "no quota",
        "/NVIDIA_",
    ),
    ({"clusters.us.quotas": {L4: 7}}, f"clusters.us.quotas.{L4}", "8 GPUs", "--preferred-value=8 --dimensions=region=us-central1"),
    ({"clusters.us.quotas": {SPOT_A100: 1}}, f"clusters.us.quotas.{SPOT_A100}", "2 GPUs", "pools.a100.max_nodes to 1"),
    ({"clusters.east.quotas": {ALL: 13}}, f"clusters.east.quotas.{ALL}", "all regions of project acme-test", "another project"),
]


@pytest.mark.parametrize(("changes", "field", "limit", "remedy"), TABLE, ids=[f"{row[1]}-{index}" for index, row in enumerate(TABLE)])
def test_what_google_would_refuse_or_strand_is_refused_here(changes: dict[str, Any], field: str, limit: str, remedy: str) -> None:
    found = problems(changes)
    assert [problem.field for problem in found] == [field], f"one mistake, one problem: {[problem.message for problem in found]}"
    assert limit in found[0].limit, found[0].message
    assert remedy in found[0].remedy, found[0].message
    assert "\n" not in found[0].message, "one line"


@pytest.mark.parametrize(
    "changes",
    [
        {"clusters.us.images": {"mirror": True}},
        {"clusters.us.runner": "in_vpc"},
        {"clusters.us.secret_replicas": ["us-east1", "europe-west4"]},
        {"pools.l4.capacity": ["spot", "on_demand"]},
        {"pools.l4.capacity": ["spot"], "models.chat.slo": "standard"},
        {"pools.a100": {**A100, "capacity": ["reservation", "on_demand"], "reservations": {"us": RESERVED}}},
        {"clusters.us.quotas": {L4: 8, SPOT_A100: 2, ALL: 14, "GPUS-PER-GPU-FAMILY-per-project-region/NVIDIA_H100": 0}},
    ],
)
def test_what_google_accepts_is_accepted(changes: dict[str, Any]) -> None:
    assert [problem.message for problem in problems(changes)] == [], "a rule that refuses too much is as wrong"


def test_where_a_machine_is_offered_is_asked_of_google_where_nothing_here_knows() -> None:
    (unknown,) = notices({"pools.a100": {"accelerator": "RTX-PRO-6000", "max_nodes": 1}})
    assert "cluster us" in unknown, "where"
    assert "offer g4-standard-48" in unknown, "which machine, and not those that are known"
    assert 'gcloud compute machine-types list --filter="zone:us-central1 AND (name=g4-standard-48)"' in unknown, "and who knows"


def test_an_order_of_capacity_that_gke_would_not_keep_is_said() -> None:
    (said,) = notices({"pools.a100.capacity": ["on_demand", "spot"]})
    assert "pool a100" in said, "which"
    assert "clusters.us.compute_classes: true" in said, "what keeps it"
    assert notices({"pools.a100.capacity": ["on_demand", "spot"], "clusters.us.compute_classes": True}) == [], "as it does"
    assert notices({"pools.a100.capacity": ["spot", "on_demand"]}) == [], "the cheapest first is what GKE does by itself"


def test_a_driver_of_unknown_age_is_said_where_it_is_chosen() -> None:
    (said,) = notices({"clusters.us.gpu_driver": "default"})
    assert "clusters.us.gpu_driver" in said, "where"
    assert "R580" in said, "what the engine needs"
    assert notices({"clusters.us.gpu_driver": "latest"}) == [], "the newest is the best that there is"


def test_clusters_of_prod_that_share_their_principals_are_named() -> None:
    (said,) = notices({"environment": "prod"})
    assert "clusters us, east, twin share project acme-test" in said, "each of the project, and the other project not"
    apart = {f"clusters.{name}.project": f"acme-{name}" for name in ("us", "east", "twin")}
    assert notices({"environment": "prod", **apart}) == [], "a project each is apart"


def test_a_reservation_that_no_model_uses_is_said() -> None:
    changes = {"pools.a100": {**A100, "capacity": ["reservation"], "reservations": {"twin": RESERVED}}}
    assert ["no model runs on it" in notice for notice in notices(changes)] == [True], "paid for and not used"


def test_a_cluster_of_another_kind_is_left_alone() -> None:
    others = {f"clusters.{name}": REMOVED for name in ("us", "east", "twin", "other")}
    changes = {**others, "models.writer": REMOVED, "models.chat.placements": {"lab": {}}}
    assert problems(changes) == [], "no cluster of Google"
    settings, pools = read(changes)
    assert needs(settings, pools) == (), "and no quota"
    assert not any(isinstance(cluster, GcpCluster) for cluster in settings.clusters.values()), "or the test shows nothing"
