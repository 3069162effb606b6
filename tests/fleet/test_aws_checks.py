"""What an AWS region cannot have is refused before anything is created, with what to write instead."""

from __future__ import annotations

from typing import Any

import pytest

from fleet.aws import checks
from fleet.aws.quotas import needs
from fleet.problems import Problem
from fleet.settings import AwsCluster
from tests.support.aws_fleets import BLOCK, H100, read
from tests.support.stack_files import REMOVED

pytestmark = pytest.mark.pure

DEPLOYER = "arn:aws:iam::111122223333:role/deployer"
ADMIN = "arn:aws:iam::111122223333:user/admin"
SECRET = "arn:aws:secretsmanager:us-east-2:111122223333:secret:ecr-pullthroughcache/hub-a1b2c3"


def problems(changes: dict[str, Any]) -> list[Problem]:
    return list(checks.problems(*read(changes)))


def notices(changes: dict[str, Any]) -> list[str]:
    return list(checks.notices(*read(changes)))


def test_the_fleet_that_the_tables_break_is_accepted_as_it_is() -> None:
    assert problems({}) == [], "otherwise every row would prove nothing"
    assert notices({}) == [], "and says nothing"


# what is changed in an accepted file: field of the only problem, words of its limit, words of its remedy
TABLE: list[tuple[dict[str, Any], str, str, str]] = [
    ({"clusters.west.region": "cn-north-1"}, "clusters.west.region", "China", "us-east-2"),
    ({"clusters.west.region": "us-gov-east-1"}, "clusters.west.region", "GovCloud", "cloud: existing"),
    ({"clusters.us.account": "222233334444", "clusters.us.deployer": DEPLOYER}, "clusters.us.deployer", "account 111122223333", "correct account"),
    ({"clusters.us.admins": [ADMIN, ADMIN]}, "clusters.us.admins[1]", "twice", "once"),
    ({"clusters.us.deployer": DEPLOYER, "clusters.us.admins": [ADMIN, DEPLOYER]}, "clusters.us.admins[1]", "the deployer", "remove it"),
    ({"clusters.us.images": {"credential_arn": SECRET}}, "clusters.us.images.credential_arn", "mirror is off", "mirror: true"),
    ({"clusters.west.images": {"mirror": True, "credential_arn": SECRET}}, "clusters.west.images.credential_arn", "is in us-east-2", "us-west-2"),
    (
        {"clusters.us.account": "222233334444", "clusters.us.images": {"mirror": True, "credential_arn": SECRET}},
        "clusters.us.images.credential_arn",
        "account 111122223333",
        "222233334444",
    ),
    ({"clusters.us.secret_replicas": ["us-east-2"]}, "clusters.us.secret_replicas[0]", "where the secrets are", "other regions"),
    ({"clusters.us.secret_replicas": ["us-west-2", "us-west-2"]}, "clusters.us.secret_replicas[1]", "twice", "once"),
    ({"clusters.us.secret_replicas": ["cn-north-1"]}, "clusters.us.secret_replicas[0]", "partition", "commercial"),
    ({"clusters.us.replicate_weights_to": ["us"]}, "clusters.us.replicate_weights_to[0]", "itself", "west"),
    ({"clusters.us.replicate_weights_to": ["wets"]}, "clusters.us.replicate_weights_to[0]", "no such cluster", "'west'"),
    ({"clusters.us.replicate_weights_to": ["lab"]}, "clusters.us.replicate_weights_to[0]", "cloud existing", "west"),
    ({"clusters.us.replicate_weights_to": ["west", "west"]}, "clusters.us.replicate_weights_to[1]", "twice", "once"),
    (
        {"clusters.us.replicate_weights_to": ["west"], "clusters.west.replicate_weights_to": ["us"]},
        "clusters.us.replicate_weights_to",
        "us → west → us",
        "one cluster",
    ),
    (
        {"clusters.us.replicate_weights_to": ["west"], "clusters.west.replicate_weights_to": ["twin"], "clusters.twin.replicate_weights_to": ["us"]},
        "clusters.twin.replicate_weights_to",
        "twin → us → west → twin",
        "one cluster",
    ),
    ({"pools.l4.capacity": ["spot"]}, "pools.l4.capacity", "us, twin, west could be taken back at once", "slo: standard"),
    ({"pools.h100.capacity": ["capacity_block"]}, "pools.h100.reservations.us", "bought beforehand", "use2-az1"),
    ({"pools.h100.capacity": ["on_demand"], "pools.h100.reservations": {"us": BLOCK}}, "pools.h100.reservations.us", "neither", "rung"),
    (
        {"pools.h100.capacity": ["capacity_block", "reservation"], "pools.h100.reservations": {"us": BLOCK}},
        "pools.h100.reservations.us",
        "only one of them",
        "another pool",
    ),
    (
        {"pools.h100.capacity": ["capacity_block"], "pools.h100.reservations": {"us": {**BLOCK, "id": "my-block"}}},
        "pools.h100.reservations.us.id",
        "cr-0123456789abcdef0",
        "describe-capacity-reservations",
    ),
    (
        {"pools.h100.capacity": ["capacity_block"], "pools.h100.reservations": {"us": {**BLOCK, "zone": "usw2-az1"}}},
        "pools.h100.reservations.us.zone",
        "no zone that the cluster uses in us-east-2",
        "use2-az1, use2-az2, use2-az3",
    ),
    (
        {"pools.h100.capacity": ["reservation"], "pools.h100.reservations": {"us": BLOCK}, "clusters.us.zones": ["use2-az1", "use2-az3"]},
        "pools.h100.reservations.us.zone",
        "no zone that the cluster uses",
        "add use2-az2",
    ),
    (
        {
            "clusters.us.region": "us-east-1",
            "pools.h100": {
                "accelerator": "B200",
                "gpus_per_node": 8,
                "max_nodes": 1,
                "capacity": ["capacity_block"],
                "reservations": {"us": {**BLOCK, "zone": "use1-az1"}},
            },
        },
        "pools.h100.reservations.us.zone",
        "does not offer p6-b200.48xlarge",
        "offered in use1-az6",
    ),
    (
        {
            "clusters.us.region": "us-east-1",
            "pools.h100": {**H100, "capacity": ["capacity_block"], "reservations": {"us": {**BLOCK, "zone": "use1-az3"}}},
        },
        "pools.h100.reservations.us.zone",
        "EKS takes no subnet",
        "use1-az6",
    ),
    ({"clusters.us.quotas": {"L-DB2E81BB": 100}}, "clusters.us.quotas.L-DB2E81BB", "no quota", "'L-DB2E81BA'"),
    ({"clusters.us.quotas": {"L-DB2E81BA": 63}}, "clusters.us.quotas.L-DB2E81BA", "64 virtual CPUs", "--desired-value 64 --region us-east-2"),
    ({"clusters.us.quotas": {"L-1216C47A": 31}}, "clusters.us.quotas.L-1216C47A", "the system of us 16 (4 × m7i.xlarge)", "L-1216C47A"),
    ({"clusters.us.quotas": {"L-C4BD4855": 31}}, "clusters.us.quotas.L-C4BD4855", "All P5 Spot", "pools.h100.max_nodes to 1"),
]


@pytest.mark.parametrize(("changes", "field", "limit", "remedy"), TABLE, ids=[f"{row[1]}-{index}" for index, row in enumerate(TABLE)])
def test_what_aws_would_refuse_or_strand_is_refused_here(changes: dict[str, Any], field: str, limit: str, remedy: str) -> None:
    found = problems(changes)
    assert [problem.field for problem in found] == [field], f"one mistake, one problem: {[problem.message for problem in found]}"
    assert limit in found[0].limit, found[0].message
    assert remedy in found[0].remedy, found[0].message
    assert "\n" not in found[0].message, "one line"


@pytest.mark.parametrize(
    "changes",
    [
        {"clusters.us.account": "111122223333", "clusters.us.deployer": DEPLOYER, "clusters.us.admins": [ADMIN]},
        {"clusters.us.images": {"mirror": True, "credential_arn": SECRET}},
        {"clusters.us.images": {"mirror": True}},
        {"clusters.us.runner": "in_vpc"},
        {"clusters.us.secret_replicas": ["us-west-2", "eu-west-1"]},
        {"clusters.us.replicate_weights_to": ["west", "twin"], "clusters.west.replicate_weights_to": ["twin"]},
        {"pools.l4.capacity": ["spot", "on_demand"]},
        {"pools.l4.capacity": ["spot"], "models.chat.slo": "standard"},
        {"pools.h100.capacity": ["reservation", "on_demand"]},
        {"pools.h100": {**H100, "min_nodes": 1, "capacity": ["capacity_block", "on_demand"], "reservations": {"us": BLOCK}}},
        {"clusters.us.quotas": {"L-DB2E81BA": 64, "L-417A185B": 32, "L-C4BD4855": 32, "L-1216C47A": 32, "L-34B43A08": 0}},
    ],
)
def test_what_aws_accepts_is_accepted(changes: dict[str, Any]) -> None:
    assert [problem.message for problem in problems(changes)] == [], "a rule that refuses too much is as wrong"


def test_each_knot_of_copies_is_told_once() -> None:
    circle = {
        "clusters.us.replicate_weights_to": ["west", "twin"],
        "clusters.west.replicate_weights_to": ["twin", "us"],
        "clusters.twin.replicate_weights_to": ["us"],
    }
    assert [problem.field for problem in problems(circle)] == ["clusters.twin.replicate_weights_to"], "undoing one shows whether another is left"


def test_what_nothing_here_can_know_is_planned_with_a_warning() -> None:
    (region_unknown,) = notices({"clusters.west.region": "mx-central-1"})
    assert "cluster west" in region_unknown, "where"
    assert "m7i.xlarge, g6.2xlarge" in region_unknown, "which machines"
    assert "describe-instance-type-offerings" in region_unknown, "and who knows"
    b200 = {"accelerator": "B200", "gpus_per_node": 8, "max_nodes": 1, "capacity": ["spot", "on_demand"]}
    assert "sources disagree" in notices({"pools.h100": b200})[0], "a limit that is not checked"
    idle = notices({"pools.l4.reservations": {"us": BLOCK}, "pools.l4.capacity": ["reservation"], "models.chat.placements": {"west": {}}})
    assert ["no model runs on it" in notice for notice in idle] == [True], "paid for and not used"


def test_what_is_awkward_to_say_later_is_asked_for_in_prod() -> None:
    said = notices({"environment": "prod"})
    for name in ("us", "west"):
        assert any(f"clusters.{name}.account" in notice for notice in said), "credentials of another account"
        assert any(f"clusters.{name}.deployer" in notice for notice in said), "an administrator whom nobody sees"
    told = {"account": "111122223333", "deployer": "arn:aws:iam::111122223333:role/deployer"}
    changes = {f"clusters.{name}.{key}": value for name in ("us", "west", "twin") for key, value in told.items()}
    assert not any("is not set" in notice for notice in notices({"environment": "prod", **changes})), "said is said"


def test_a_mirror_without_a_credential_says_where_the_update_will_stop() -> None:
    (notice,) = notices({"clusters.us.images": {"mirror": True}})
    assert "clusters.us.images.mirror" in notice, "which"
    existing = "arn:aws:secretsmanager:us-east-2:111122223333:secret:ecr-pullthroughcache/hub-AbCdEf"
    assert notices({"clusters.us.images": {"mirror": True, "credential_arn": existing}}) == [], "one that exists stops nothing"


def test_a_cluster_of_another_kind_is_left_alone() -> None:
    others = {
        "clusters.us": REMOVED,
        "clusters.west": REMOVED,
        "clusters.twin": REMOVED,
        "models.writer": REMOVED,
        "models.chat.placements": {"lab": {}},
    }
    assert problems(others) == [], "no cluster of AWS"
    settings, pools = read(others)
    assert needs(settings, pools) == (), "and no quota"
    assert not any(isinstance(cluster, AwsCluster) for cluster in settings.clusters.values()), "or the test shows nothing"
