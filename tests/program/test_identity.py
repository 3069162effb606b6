"""Is it the cluster the stack file means? Asked over real HTTP of simulated API servers, before the first resource."""

from __future__ import annotations

from pathlib import Path

import pulumi
import pytest
import yaml

from tests.support.fleets import UIDS, Settings, production, simulated
from tests.support.recording import Graph, run_program

pytestmark = pytest.mark.mocks


@pytest.fixture
def settings() -> Settings:
    return production()


def _refused(settings: Settings) -> str:
    graph = Graph()
    with pytest.raises(pulumi.RunError) as refused:
        run_program(settings, graph=graph)
    assert graph.resources == {}, "before anything is written"
    return str(refused.value)


def _warnings(graph: Graph) -> list[str]:
    return [message for level, message in graph.said if level == "warning" and message.startswith("clusters.")]


def test_the_right_clusters_are_asked_once_and_nothing_is_said(settings: Settings, tmp_path: Path) -> None:
    with simulated(settings, tmp_path) as servers:
        graph = run_program(settings)
        asked = [[path for path, _ in server.asked] for server in servers.values()]
        assert asked == [["/api/v1/namespaces/kube-system", "/api/v1/namespaces/vllm"]] * 2, "each of them, who it is and whose our namespace is"
    assert _warnings(graph) == [], "all is well"


def test_another_cluster_is_refused_with_both_identities(settings: Settings, tmp_path: Path) -> None:
    with simulated(settings, tmp_path) as servers:
        servers["a"].uid = UIDS["b"]
        message = _refused(settings)
    assert "clusters.a.cluster_uid" in message, "the field"
    assert UIDS["a"] in message, "what the stack file says"
    assert UIDS["b"] in message, "what answers"
    assert "clusters.b" not in message, "the other one is right"


OURS = {"app.kubernetes.io/managed-by": "vllm-fleet", "vllm-fleet/fleet": "acme", "vllm-fleet/environment": "prod"}


def test_a_namespace_of_this_fleet_is_gone_on_with(settings: Settings, tmp_path: Path) -> None:
    with simulated(settings, tmp_path) as servers:
        servers["a"].namespaces["vllm"] = OURS | {"more": "labels"}
        assert run_program(settings).resources, "an earlier run made it"


@pytest.mark.parametrize("labels", [{}, {"app.kubernetes.io/managed-by": "Helm"}, OURS | {"vllm-fleet/environment": "staging"}])
def test_a_namespace_of_somebody_else_is_refused_with_what_it_says_of_itself(settings: Settings, tmp_path: Path, labels: dict[str, str]) -> None:
    with simulated(settings, tmp_path) as servers:
        servers["b"].namespaces["vllm"] = labels
        message = _refused(settings)
    assert "clusters.b.context" in message, "the field"
    assert "namespace vllm is somebody else's" in message, "what is wrong: existing objects would be adopted and overwritten"
    assert "kubectl label namespace vllm" in message, "what to do where it is ours"
    assert all(value in message for value in labels.values()), "what was found"


def test_two_wrong_clusters_are_said_together(settings: Settings, tmp_path: Path) -> None:
    with simulated(settings, tmp_path) as servers:
        for server in servers.values():
            server.uid = "cccccccc-0000-4000-8000-000000000003"
        message = _refused(settings)
    assert all(f"clusters.{name}.cluster_uid" in message for name in servers), "in one run"


def test_a_cluster_that_does_not_answer_is_a_warning_and_the_others_are_served(settings: Settings, tmp_path: Path) -> None:
    with simulated(settings, tmp_path) as servers:
        kubeconfig = Path(settings["clusters"]["a"]["kubeconfig"])
        kubeconfig.write_text(kubeconfig.read_text(encoding="utf-8").replace(servers["b"].address, "http://127.0.0.1:9"), encoding="utf-8")
        graph = run_program(settings)
    (warning,) = _warnings(graph)
    assert warning.startswith("clusters.b does not answer"), "which one, and why"
    assert {graph.region(each) for each in graph.objects("Deployment")} == {"a", "b"}, "left out, its servers would be deleted"


@pytest.mark.parametrize("status", [500, 503])
def test_a_cluster_in_trouble_is_a_warning_as_well(settings: Settings, tmp_path: Path, status: int) -> None:
    with simulated(settings, tmp_path) as servers:
        servers["a"].status = status
        graph = run_program(settings)
    assert [warning.split(" (")[0] for warning in _warnings(graph)] == ["clusters.a does not answer"], "an outage is when updates matter most"


@pytest.mark.parametrize("status", [401, 403, 404])
def test_a_cluster_that_hides_its_identity_is_refused_where_the_stack_file_names_it(settings: Settings, tmp_path: Path, status: int) -> None:
    with simulated(settings, tmp_path) as servers:
        servers["a"].status = status
        message = _refused(settings)
    assert "does not say which cluster it is" in message, "it answers, so it could be written to, and it could be the wrong one"
    assert "kube-system" in message, "what has to be readable"


def test_what_is_no_kubernetes_api_is_refused(settings: Settings, tmp_path: Path) -> None:
    with simulated(settings, tmp_path) as servers:
        servers["a"].body = b"<html>please log in</html>"
        assert "does not say which cluster it is" in _refused(settings), "a proxy's page is no identity"


def test_without_a_uid_the_run_says_what_it_would_be(settings: Settings, tmp_path: Path) -> None:
    settings["environment"] = "staging"
    del settings["clusters"]["a"]["cluster_uid"]
    with simulated(settings, tmp_path):
        graph = run_program(settings)
    (warning,) = _warnings(graph)
    assert "clusters.a.cluster_uid is not set" in warning, "nothing would notice another cluster"
    assert UIDS["a"] in warning, "what to write there"


def test_a_missing_kubeconfig_and_an_unknown_context_are_refused_together(settings: Settings, tmp_path: Path) -> None:
    with simulated(settings, tmp_path):
        settings["clusters"]["a"]["kubeconfig"] = str(tmp_path / "absent")
        settings["clusters"]["b"]["context"] = "elsewhere"
        message = _refused(settings)
    assert f"there is no file {tmp_path / 'absent'}" in message, "the path, resolved"
    assert "clusters.b.context: 'elsewhere'" in message, "the context"
    assert "a, b" in message, "and those that exist"


@pytest.mark.parametrize("text", ["", "clusters: [", "[]", "clusters: 3", "clusters: []\ncontexts: []", "\x00"])
def test_a_file_that_is_no_kubeconfig_is_refused_in_words(settings: Settings, tmp_path: Path, text: str) -> None:
    with simulated(settings, tmp_path):
        (tmp_path / "broken").write_text(text, encoding="utf-8")
        settings["clusters"]["a"]["kubeconfig"] = str(tmp_path / "broken")
        assert "clusters.a." in _refused(settings), "never a traceback"


@pytest.mark.parametrize(
    ("user", "word"),
    [
        ({"exec": {"apiVersion": "client.authentication.k8s.io/v1beta1", "command": "false"}}, "returned 1"),
        ({"exec": {"apiVersion": "client.authentication.k8s.io/v1", "command": "true"}}, "not implemented"),
        ({"exec": {"apiVersion": "client.authentication.k8s.io/v1beta1", "command": "true"}}, "does not say which cluster"),
    ],
)
def test_a_login_that_fails_is_refused_in_words(settings: Settings, tmp_path: Path, user: dict[str, object], word: str) -> None:
    with simulated(settings, tmp_path):
        kubeconfig = Path(settings["clusters"]["a"]["kubeconfig"])
        content = yaml.safe_load(kubeconfig.read_text(encoding="utf-8"))
        content["users"][0]["user"] = user
        kubeconfig.write_text(yaml.safe_dump(content), encoding="utf-8")
        assert word in _refused(settings), "what the login said"


def test_a_context_without_a_user_is_refused(settings: Settings, tmp_path: Path) -> None:
    with simulated(settings, tmp_path):
        kubeconfig = Path(settings["clusters"]["a"]["kubeconfig"])
        content = yaml.safe_load(kubeconfig.read_text(encoding="utf-8"))
        del content["contexts"][0]["context"]["user"]
        kubeconfig.write_text(yaml.safe_dump(content), encoding="utf-8")
        assert "names no user" in _refused(settings), "field and reason"
