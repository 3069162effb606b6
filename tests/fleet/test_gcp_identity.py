"""Identity of a Google region: nobody has a role on more than what is theirs, and no role that nobody takes on."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

import pytest

from fleet.gcp.add_ons import in_cluster
from fleet.gcp.identity import apis, identities, service_agents
from fleet.gcp.inputs import RegionInputs
from fleet.gcp.plan import IdentityPlan
from fleet.gcp.secrets import secrets
from fleet.references import Reference
from fleet.settings import Secrets
from tests.support.gcp_regions import region

pytestmark = pytest.mark.pure

L4 = {"accelerator": "L4", "max_nodes": 4}

ALWAYS = {"nodes", "model-server", "weights-mirror", "agent-compute", "agent-container", "agent-storage", "agent-secretmanager"}
ON_DEMAND = {"external-secrets", "agent-artifactregistry", "agent-file"}

ACCOUNT_ID = re.compile(r"[a-z][a-z0-9-]{4,28}[a-z0-9]")
"""What IAM takes as the id of a service account (its API's reference)."""

ROLES = {
    "roles/container.defaultNodeServiceAccount": "project",
    "roles/artifactregistry.reader": "repository",
    "roles/storage.objectViewer": "bucket",
    "roles/storage.objectUser": "bucket",
    "roles/secretmanager.secretAccessor": "secret",
    "roles/cloudkms.cryptoKeyEncrypterDecrypter": "key",
}
"""Every role that is given at all, and the only kind of thing it is given on."""


def bare(**cluster: Any) -> RegionInputs:
    return region({"l4": L4}, {"l4": ("bucket", 21)}, **cluster)


def full(**cluster: Any) -> RegionInputs:
    """A region in which every option is taken."""
    inputs = region({"l4": L4}, {"l4": ("shared", 21)}, images={"mirror": True}, **cluster)
    return replace(inputs, settings=inputs.settings.model_copy(update={"secrets": Secrets(hub_token="hub", engine_api_key="engine")}))


def by_key(inputs: RegionInputs) -> dict[str, IdentityPlan]:
    return {identity.key: identity for identity in identities(inputs)}


def test_a_region_has_the_identities_of_what_runs_in_it_and_no_others() -> None:
    assert set(by_key(bare())) == ALWAYS, "a role for what was not asked for is a door without a house"
    assert set(by_key(full())) == ALWAYS | ON_DEMAND, "and every option brings its own"


@pytest.mark.parametrize("key", sorted(ALWAYS | ON_DEMAND))
def test_every_role_is_given_on_the_narrowest_thing_that_takes_it(key: str) -> None:
    identity = by_key(full())[key]
    assert identity.grants, "an identity without a role is nobody"
    assert {grant.role: grant.on for grant in identity.grants}.items() <= ROLES.items(), "one role for the project, and only the machines' own"
    assert len({grant.key for grant in identity.grants}) == len(identity.grants), "each has a name of its own"


def test_only_machines_have_a_role_on_the_project() -> None:
    wide = {identity.key for identity in identities(full()) for grant in identity.grants if grant.on == "project"}
    assert wide == {"nodes"}, "logs and metrics have no narrower place"


def test_nothing_can_change_identities_or_hand_them_on() -> None:
    roles = {grant.role for identity in identities(full()) for grant in identity.grants}
    assert not [role for role in roles if re.search(r"admin|owner|editor|iam\.|token|actAs", role, re.IGNORECASE)], "such a role is every role"


def test_pods_are_themselves_by_namespace_and_service_account() -> None:
    pods = {identity.key: identity for identity in identities(full()) if identity.service_account}
    assert set(pods) == {"model-server", "weights-mirror", "external-secrets"}, "three kinds of pods have roles"
    for identity in pods.values():
        assert identity.account_id is None, "no account of Google's stands between"
        assert isinstance(identity.member, Reference), "the project's number is Google's to say"
        assert identity.member.name == "project_number", "and is known from an output"
        ending = f"/workloadIdentityPools/acme-test.svc.id.goog/subject/ns/{identity.namespace}/sa/{identity.service_account}"
        assert identity.member.suffix.endswith(ending), "one namespace, one account"
    assert len({str(identity.member) for identity in pods.values()}) == len(pods), "nobody is somebody else"


def test_servers_read_and_the_mirror_writes() -> None:
    found = by_key(full())
    assert [grant.role for grant in found["model-server"].grants] == ["roles/storage.objectViewer"], "a server changes nothing"
    assert [grant.role for grant in found["weights-mirror"].grants] == ["roles/storage.objectUser"], "the mirror does, and sets no policy"


def test_external_secrets_reads_each_secret_by_itself() -> None:
    grants = by_key(full())["external-secrets"].grants
    assert [grant.resource for grant in grants] == [secret.key for secret in secrets(full())], "those of the stack file and no others"


def test_whatever_names_an_identity_finds_it_with_its_own_service_account() -> None:
    for inputs in (full(), bare()):
        found = by_key(inputs)
        for add_on in in_cluster(inputs).add_ons:
            if add_on.identity is not None:
                assert add_on.identity in found, f"{add_on.name}: an update would end in the middle"
                assert found[add_on.identity].service_account == add_on.service_account, f"{add_on.name}: its pods would get no identity"


def test_machines_have_an_account_of_their_own_with_a_name_that_google_takes() -> None:
    nodes = by_key(full())["nodes"]
    assert ACCOUNT_ID.fullmatch(nodes.account_id or ""), "6 to 30 characters"
    assert nodes.member == Reference("node_identity", prefix="serviceAccount:"), "its address is Google's to say"


def test_every_service_that_works_with_the_key_may_and_no_other() -> None:
    agents = {key: identity for key, identity in by_key(full()).items() if key.startswith("agent-")}
    for identity in agents.values():
        assert [grant.on for grant in identity.grants] == ["key"], "Google's services get nothing else from us"
        assert re.fullmatch(r"serviceAccount:service-\$\{project_number\}@[a-z-]+\.iam\.gserviceaccount\.com", str(identity.member)), (
            "its own account"
        )


def test_the_account_that_tells_the_projects_number_is_made_first_and_always() -> None:
    for inputs in (full(), bare()):
        first, *others = service_agents(inputs)
        assert (first.key, first.service) == ("secretmanager", "secretmanager.googleapis.com"), "principals wait for the number"
        assert {f"agent-{agent.key}" for agent in others} <= set(by_key(inputs)), "nobody is made who gets nothing"
    assert "storage" not in {agent.key for agent in service_agents(full())}, "Google makes no account of Cloud Storage this way"


def test_services_are_switched_on_where_that_is_our_work() -> None:
    assert apis(full(enable_apis=False)) == (), "somebody else did"
    assert set(apis(full())) - set(apis(bare())) == {"file.googleapis.com"}, "only what is used"
    assert list(apis(full())) == sorted(set(apis(full()))), "each once, in an order that does not move"
    assert {agent.service for agent in service_agents(full())} <= set(apis(full())), "an account needs its service"
