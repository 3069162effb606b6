"""The text of rule sets: what decides it, what must not, and what nftables would refuse."""

from __future__ import annotations

import random

import pytest

from tests.support.policy_evaluation import allowed
from tests.support.policy_probe_objects import PODS, Generator, Object, namespace, pod, policy, script

pytestmark = pytest.mark.pure

FIRST, SECOND = PODS[:2]


def _known(objects: list[Object]) -> str:
    """The set of addresses that are not closed by default."""
    return script(objects).partition("set known")[2].partition("}\n")[0]


def test_the_order_of_objects_changes_nothing() -> None:
    for seed in range(8):
        objects = Generator(seed).cluster()
        shuffled = random.Random(seed).sample(objects, len(objects))  # noqa: S311  an order, no secret
        assert script(objects) == script(shuffled), "rules would be replaced for nothing whenever a list comes in another order"


def test_the_table_is_replaced_as_a_whole() -> None:
    lines = script([]).splitlines()
    assert lines[:3] == ["table inet fleet_policy", "delete table inet fleet_policy", "table inet fleet_policy {"], (
        "one transaction, first run included"
    )


@pytest.mark.parametrize(
    ("changed", "why"),
    [
        ({"spec": {"hostNetwork": True, "containers": []}}, "a pod on the host's network has its node's address, which no policy selects"),
        ({"status": {"phase": "Running"}}, "a pod whose sandbox is not made yet has no address"),
        ({"status": {"phase": "Succeeded", "podIP": FIRST}}, "a pod that has ended gave its address back"),
        ({"status": {"phase": "Failed", "podIP": FIRST}}, "likewise one that failed or was evicted"),
        ({"metadata": {"name": "x", "namespace": "unknown"}}, "a pod whose namespace is not known yet may be selected by its labels"),
    ],
)
def test_pods_that_take_no_part_are_not_known(changed: Object, why: str) -> None:
    objects = [namespace("here"), pod("first", FIRST, {})]
    assert FIRST in _known(objects), "an ordinary pod is known"
    assert FIRST not in _known([objects[0], objects[1] | changed]), why


def test_an_address_belongs_to_the_newest_pod_that_claims_it() -> None:
    old, new = pod("old", FIRST, {"role": "old"}), pod("new", FIRST, {"role": "new"})
    old["metadata"]["creationTimestamp"], new["metadata"]["creationTimestamp"] = "2026-01-01T00:00:00Z", "2026-01-01T00:00:01Z"
    for pods in ([old, new], [new, old]):
        isolating = [policy("old", {"podSelector": {"matchLabels": {"role": "old"}}})]
        assert "jump" not in script([namespace("here"), *pods, *isolating]), "the one that is only not removed yet decides nothing"


def test_pods_with_the_same_policies_share_a_chain_and_equal_peers_a_set() -> None:
    peers = {"podSelector": {}, "ingress": [{"from": [{"podSelector": {}}]}]}
    rules = script([namespace("here"), pod("first", FIRST, {}), pod("second", SECOND, {}), policy("one", peers), policy("two", peers)])
    assert rules.count("chain ingress_") == 1, "rules grow with policies, not with pods"
    assert rules.count("set peers_") == 1, "and sets with what is selected"


def test_overlapping_ports_become_one_range_which_is_what_nftables_takes() -> None:
    ports = [{"port": 8000, "endPort": 8100}, {"port": 8050, "endPort": 8200}, {"port": 8201}, {"port": 65535}, {"port": 65535}]
    rules = script([namespace("here"), pod("first", FIRST, {}), policy("ports", {"podSelector": {}, "ingress": [{"ports": ports}]})])
    assert "tcp dport { 8000-8201, 65535 } counter return" in rules, "a set with overlaps is refused, and with it the whole rule set"


def test_ports_of_the_third_protocol_are_rendered_although_this_kernel_may_not_speak_it() -> None:
    rules = script(
        [namespace("here"), pod("first", FIRST, {}), policy("p", {"podSelector": {}, "ingress": [{"ports": [{"port": 38412, "protocol": "SCTP"}]}]})]
    )
    assert "sctp dport { 38412 } counter return" in rules, "SCTP is part of the API"


def test_a_sidecars_port_has_a_name_and_an_ordinary_init_containers_has_none() -> None:
    def serving(**init: str) -> list[Object]:
        container = {"name": "init", "ports": [{"name": "api", "containerPort": 8000}], **init}
        named = policy("named", {"podSelector": {}, "ingress": [{"ports": [{"port": "api"}]}]})
        return [namespace("here"), pod("first", FIRST, {}, initContainers=[container]), named]

    for objects, serves in ((serving(restartPolicy="Always"), True), (serving(), False)):
        assert (f"{FIRST} . 8000" in script(objects)) == serves, "a container that has ended when the pod serves answers nobody"
        assert allowed(objects, SECOND, FIRST, 8000) == serves, "and the evaluation reads it likewise"


def test_a_long_name_does_not_make_a_comment_that_nftables_refuses() -> None:
    rules = script([namespace("here"), pod("first", FIRST, {}), policy("x" * 253, {"podSelector": {}, "ingress": [{}]})])
    comment = rules.partition('comment "')[2].partition('"')[0]
    assert len(comment) <= 128, "nftables takes 128 characters"


def test_an_operator_that_the_api_does_not_have_is_named() -> None:
    selector = {"matchExpressions": [{"key": "app", "operator": "Gt", "values": ["1"]}]}
    with pytest.raises(ValueError, match=r"operator 'Gt' of key 'app' is none of In, NotIn, Exists, DoesNotExist"):
        script([namespace("here"), pod("first", FIRST, {}), policy("wrong", {"podSelector": selector})])
