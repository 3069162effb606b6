"""Who reaches whom in a cluster with our network policies, tried by real pods: what is meant to be open is, and nothing else."""

# pyright: reportOptionalMemberAccess=false
# The client types every field of an object as optional; a test that meets None fails by itself.

from __future__ import annotations

from collections.abc import Iterator, Mapping

import pytest
from lightkube.core.client import Client
from lightkube.models.core_v1 import PodTemplateSpec
from lightkube.resources.apps_v1 import Deployment
from lightkube.resources.batch_v1 import CronJob
from lightkube.resources.core_v1 import Service

from components.kubernetes.policy import ACCESS_LABEL, ENGINE_PORT
from local.images import HUB_HOST, HUB_PORT
from local.real_node import DNS_ADDRESS
from tests.support.client_pods import Attempt, ClientPods, connect, listen
from tests.support.local_fleet import eventually
from tests.support.real_fleet import RealFleet

pytestmark = pytest.mark.pods

REGION, MODEL, SERVING = "east", "chat", "vllm"
OTHER_PORT = 8001

MEANT: Mapping[str, Mapping[str, bool]] = {
    "gateway": {"engine": True, "server": True, "server-other-port": False, "mirror": False},
    "monitoring": {"engine": True, "server": True, "server-other-port": False, "mirror": False},
    "stranger": {"engine": False, "server": False, "mirror": False, "stranger": True, "hub": True},
    "server": {"dns": True, "hub": False, "engine": False, "stranger": False, "stranger-tls": False, "mirror": False},
    "mirror": {"dns": True, "hub": True, "engine": False, "server": False, "stranger": False},
}
"""Caller to what it tries, and whether it is meant to get there. The API server is left out: it runs on the pods' own node here,
which policies do not keep from its pods."""

PATIENCE_SECONDS, QUIET_SECONDS = 15, 3
"""For a connection that must be made, on a busy machine, and for one whose packets must be dropped."""

Tried = Mapping[str, Mapping[str, Attempt]]


@pytest.fixture(scope="module")
def tried(fleet: RealFleet) -> Iterator[Tried]:
    """All connections of MEANT, tried at once, and an answer of the model for those who may ask."""
    client = fleet.client(REGION)
    pods = ClientPods(client)
    try:
        where = {role: pods.namespace(role, {ACCESS_LABEL: role}) for role in ("gateway", "monitoring")}
        where |= {"stranger": pods.namespace("stranger"), "server": SERVING, "mirror": SERVING}
        labels = {"server": _labels_of_servers(client), "mirror": _labels_of_mirrors(client)}
        pods.start("stranger-listener", where["stranger"], listen(ENGINE_PORT, HUB_PORT))
        pods.start("server-listener", SERVING, listen(ENGINE_PORT, OTHER_PORT), labels["server"])
        pods.start("mirror-listener", SERVING, listen(ENGINE_PORT), labels["mirror"])
        targets = _targets(client, {role: pods.address(f"{role}-listener") for role in ("stranger", "server", "mirror")})
        for name in ("engine", "server", "server-other-port", "mirror", "stranger", "stranger-tls"):
            eventually(lambda name=name: fleet.connects(REGION, targets[name]), f"{name} answering a node, to which no policy applies")
        for caller, meant in MEANT.items():
            commands = {name: connect(targets[name], PATIENCE_SECONDS if ok else QUIET_SECONDS) for name, ok in meant.items()}
            if meant["engine"]:
                commands["answer"] = ["chat", "--stream", f"--url=http://{MODEL}.{SERVING}.svc:{ENGINE_PORT}", f"--model={MODEL}"]
            pods.start(caller, where[caller], commands, labels.get(caller))
        yield {caller: pods.attempts(caller) for caller in MEANT}
    finally:
        pods.remove()


def _targets(client: Client, addresses: Mapping[str, str]) -> dict[str, str]:
    """What can be tried: pods by their own address, Services by theirs, the hub by its name."""
    return {
        "engine": f"{client.get(Service, MODEL).spec.clusterIP}:{ENGINE_PORT}",
        "server-other-port": f"{addresses['server']}:{OTHER_PORT}",
        "stranger-tls": f"{addresses['stranger']}:{HUB_PORT}",
        "hub": f"{HUB_HOST}:{HUB_PORT}",
        "dns": f"{DNS_ADDRESS}:53",
        **{role: f"{address}:{ENGINE_PORT}" for role, address in addresses.items()},
    }


def _labels_of_servers(client: Client) -> dict[str, str]:
    return _as_another(client.get(Deployment, MODEL).spec.template)


def _labels_of_mirrors(client: Client) -> dict[str, str]:
    return _as_another(next(iter(client.list(CronJob))).spec.jobTemplate.spec.template)


def _as_another(template: PodTemplateSpec) -> dict[str, str]:
    """The labels of a template, but of a model that is none: no Service and no Deployment may take the pod for its own."""
    return {**(template.metadata.labels or {}), "app.kubernetes.io/instance": "probe"}


def _against(tried: Tried, caller: str) -> list[str]:
    """What this caller found otherwise than meant."""
    wrong = [name for name, meant in MEANT[caller].items() if tried[caller][name].succeeded != meant]
    return [f"{name} is meant to be {'open' if MEANT[caller][name] else 'closed'}: {tried[caller][name].told}" for name in wrong]


@pytest.mark.parametrize("caller", ["gateway", "monitoring"])
def test_a_namespace_with_the_access_label_gets_an_answer_on_the_engines_port_and_nothing_else(tried: Tried, caller: str) -> None:
    assert tried[caller]["answer"].succeeded, f"the model answers through its Service, by name: {tried[caller]['answer'].told}"
    assert not _against(tried, caller), "servers on port 8000 alone, and never the mirror"


def test_a_namespace_without_the_label_reaches_no_server_and_no_mirror(tried: Tried) -> None:
    assert not _against(tried, "stranger"), "it reaches its own pods and the hub, so it is the policies of serving that keep it away"


def test_a_server_reaches_dns_and_nothing_else(tried: Tried, fleet: RealFleet) -> None:
    assert not _against(tried, "server"), "no hub, no other model, no pod elsewhere on any port"
    resolved = f"{fleet.network(REGION).host_address}:{HUB_PORT}"
    assert resolved in tried["server"]["hub"].error, f"the hub's name was resolved, its packets were dropped: {tried['server']['hub'].told}"


def test_a_mirror_reaches_dns_and_the_hub_and_nothing_else(tried: Tried) -> None:
    assert not _against(tried, "mirror"), "whoever takes over a mirror reaches no server and no port but that of TLS"


def test_nobody_reaches_a_mirror(tried: Tried) -> None:
    reached = [caller for caller in MEANT if caller != "mirror" and tried[caller]["mirror"].succeeded]
    assert not reached, "not even those who may call servers, though it listens there"
