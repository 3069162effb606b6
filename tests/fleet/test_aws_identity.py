"""Identity of an AWS region: documents that name what they are about, and no role that nothing takes on."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

import pytest

from fleet.aws.add_ons import in_cluster, managed
from fleet.aws.identity import bucket_statements, file_system_statements, key_statements, roles
from fleet.aws.images import image_mirror
from fleet.aws.plan import RolePlan
from fleet.aws.policy import Statement, document
from fleet.references import Reference
from tests.support.iam_documents import MADE, bare, full, resolved
from tests.support.iam_wildcards import WILDCARD_ONLY

pytestmark = pytest.mark.pure

ALWAYS = {"cluster", "nodes", "vpc-cni", "ebs-csi", "cluster-autoscaler", "load-balancer-controller", "model-server", "weights-mirror"}
ON_DEMAND = {"flow-logs", "image-mirror", "efs-csi", "external-secrets", "replication"}
GLOBAL_SERVICES = {"s3", "iam"}
"""Whose ARNs hold no region."""

DESCRIPTION = re.compile(r"[\t\n\r\u0020-\u007E\u00A1-\u00FF]{1,1000}")
"""What IAM takes as a description (its API model)."""


def _by_key(found: tuple[RolePlan, ...]) -> dict[str, RolePlan]:
    return {role.key: role for role in found}


FULL = _by_key(roles(full()))


def _standing() -> dict[str, tuple[Statement, ...]]:
    return {"key": key_statements(full()), "bucket": bucket_statements(full()), "file system": file_system_statements(full())}


def _statements() -> Iterator[tuple[str, Statement]]:
    for key, role in FULL.items():
        yield from ((f"{key}.{statement.sid}", statement) for statement in role.statements)


ALL = dict(_statements())


def _references(value: Any) -> Iterator[str]:
    if isinstance(value, Reference):
        yield value.name
    elif isinstance(value, Mapping):
        for inner in value.values():
            yield from _references(inner)
    elif isinstance(value, list | tuple):
        for inner in value:
            yield from _references(inner)


def test_a_region_has_the_roles_of_what_runs_in_it_and_no_others() -> None:
    assert set(_by_key(roles(bare()))) == ALWAYS, "a role for what was not asked for is a door without a house"
    assert set(FULL) == ALWAYS | ON_DEMAND, "and every option brings its own"


def test_whatever_names_an_identity_finds_it_with_its_own_service_account() -> None:
    for inputs in (full(), bare()):
        found = _by_key(roles(inputs))
        for add_on in (*managed(inputs), *in_cluster(inputs).add_ons):
            if add_on.identity is not None:
                assert add_on.identity in found, f"{add_on.name}: an update would end in the middle"
                assert found[add_on.identity].service_account == add_on.service_account, f"{add_on.name}: its pods would get no identity"


def test_every_identity_of_pods_belongs_to_one_service_account_of_one_cluster() -> None:
    pods = {role.key: role for role in FULL.values() if role.service_account}
    assert len({(role.namespace, role.service_account) for role in pods.values()}) == len(pods), "one service account has one role"
    for key, role in pods.items():
        (statement,) = role.trust
        tags = resolved(statement.conditions)["StringEquals"]
        assert tags == {
            "aws:RequestTag/eks-cluster-arn": f"arn:aws:eks:us-east-2:{MADE['account']}:cluster/{full().name}",
            "aws:RequestTag/kubernetes-namespace": role.namespace,
            "aws:RequestTag/kubernetes-service-account": role.service_account,
        }, f"{key}: otherwise any pod of the account could be given it"


@pytest.mark.parametrize("name", ALL)
def test_no_statement_of_a_role_allows_whole_services(name: str) -> None:
    assert not [action for action in ALL[name].actions if "*" in action], "what AWS adds to a service is not ours to give"


@pytest.mark.parametrize("name", ALL)
def test_a_statement_is_about_everything_only_where_aws_offers_nothing_narrower(name: str) -> None:
    statement = ALL[name]
    if "*" in statement.resources:
        assert set(statement.actions) <= WILDCARD_ONLY, "these could be limited to resources of ours"
    assert statement.resources, "a statement without resources belongs to a trust policy"


@pytest.mark.parametrize("name", ALL)
def test_resources_lie_in_this_region_and_account(name: str) -> None:
    for resource in ALL[name].resources:
        if resource == "*":
            continue
        _, partition, service, place, account, *_ = resolved(resource).split(":")
        assert partition == "aws", "other partitions are refused before"
        assert service in GLOBAL_SERVICES or place in ("us-east-2", "eu-west-1"), "a region for every regional service"
        assert place != "eu-west-1" or name.startswith("replication."), "only replication reaches into another region"
        assert service == "s3" or account == MADE["account"], "nothing of another account"


def test_nothing_can_change_identities_or_hand_them_on() -> None:
    found = {action for statement in ALL.values() for action in statement.actions if action.split(":")[0] in ("iam", "sts", "organizations")}
    assert not found, "a role that can give roles is every role"


def test_whatever_changes_something_is_bound_to_a_resource_by_name_tag_or_network() -> None:
    bound = ("aws:ResourceTag/", "aws:RequestTag/", "ec2:Vpc", "ec2:CreateAction", "elasticfilesystem:CreateAction", "aws:TagKeys")
    for name, statement in ALL.items():
        resources = [resolved(resource) for resource in statement.resources]
        named = all(not re.search(r"[:/]\*$", resource) or "weights/" in resource for resource in resources)
        names_fleet = all(full().name in resource or "acme-prod-us/" in resource for resource in resources)
        conditions = [key for keys in statement.conditions.values() for key in keys]
        reads = all(re.search(r":(Describe|Get|List)", action) for action in statement.actions)
        assert reads or named or names_fleet or any(key.startswith(bound) for key in conditions), f"{name} changes what belongs to others"


def test_every_key_is_used_through_one_service_or_lent_to_aws_alone() -> None:
    for name, statement in ALL.items():
        if name.startswith("cluster.") or not statement.actions[0].startswith("kms:"):
            continue
        assert "kms:ViaService" in statement.conditions["StringEquals"], f"{name}: the key of the region opens more than this"
    for name, statement in ALL.items():
        if "kms:CreateGrant" in statement.actions:
            assert statement.conditions["Bool"] == {"kms:GrantIsForAWSResource": "true"}, f"{name}: a grant outlives the role"


def test_documents_name_only_what_components_make() -> None:
    found = {name for role in FULL.values() for name in _references(document(*role.trust, *role.statements))}
    standing = {name for statements in _standing().values() for name in _references(document(*statements))}
    assert found | standing <= set(MADE), "a name that nothing makes ends the update"
    assert set(_references(document(*key_statements(full())))) == {"account"}, "the key is made before everything that could be named"
    trusts = {name for role in FULL.values() for name in _references(document(*role.trust))}
    assert trusts == {"account"}, "roles of the control plane are made before the cluster"


def test_statements_can_be_told_apart_and_descriptions_are_taken() -> None:
    documents = [*((key, role.statements) for key, role in FULL.items()), *_standing().items()]
    for key, statements in documents:
        sids = [statement.sid for statement in statements]
        assert len(set(sids)) == len(sids), f"{key}: IAM refuses a name twice"
        assert all(re.fullmatch(r"[A-Za-z0-9]+", sid) for sid in sids), f"{key}: IAM refuses other characters"
    assert all(DESCRIPTION.fullmatch(role.description) for role in FULL.values()), "IAM refuses other characters"


def test_secrets_that_the_stack_file_does_not_name_have_no_reader() -> None:
    settings = full().settings
    one = replace(full(), settings=settings.model_copy(update={"secrets": settings.secrets.model_copy(update={"engine_api_key": None})}))
    (statement, *_) = _by_key(roles(one))["external-secrets"].statements
    assert statement.resources == (Reference("secret_arn.hub-token"),), "one secret, one reader"


def test_whoever_mirrors_images_makes_repositories_below_its_own_prefix() -> None:
    mirror = image_mirror(full())
    assert mirror, "the full region mirrors"
    for key in ("nodes", "image-mirror"):
        made = [statement for statement in FULL[key].statements if "ecr:CreateRepository" in statement.actions]
        assert [resolved(resource) for statement in made for resource in statement.resources] == [
            f"arn:aws:ecr:us-east-2:{MADE['account']}:repository/{mirror.prefix}/*"
        ], "other images of the account are not ours"


def test_pods_of_another_cluster_of_the_account_have_roles_of_their_own() -> None:
    others = _by_key(roles(replace(full(), cluster_name="other")))
    for key, role in FULL.items():
        assert role.service_account is None or role.trust != others[key].trust, f"{key}: the same pod elsewhere would be trusted"
