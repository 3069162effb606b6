"""Every wrong value is refused with its field, its value, the limit and what to do, all of them at once."""

from __future__ import annotations

from typing import Any

import pytest

from tests.support.stack_files import REMOVED, changed, refused, small

pytestmark = pytest.mark.pure

CIDRS = "clusters.us.endpoint.public_cidrs"
PROD = {"environment": "prod", "clusters.here": REMOVED, "models.chat.replicas": {"min": 2}}

EU: dict[str, Any] = {"models.chat.placements": {"eu": {}}}
EU_WEST1 = {**EU, "clusters.eu.region": "europe-west1", "pools.l4.accelerator": "A100-80GB"}
EU_H100 = {**EU, "pools.l4": {"accelerator": "H100", "gpus_per_node": 8, "max_nodes": 2}}
SHARED = {**EU, "models.chat.cache": {"kind": "shared"}}
SECRET = "arn:aws:secretsmanager:us-east-2:111122223333:secret:ecr-pullthroughcache/hub-a1b2c3"
L4_QUOTA = "NVIDIA-L4-GPUS-per-project-region"
ALL_GPUS = "GPUS-ALL-REGIONS-per-project"
H100_FAMILY = "GPUS-PER-GPU-FAMILY-per-project-region/NVIDIA_H100"

# what is changed in an accepted file: exit code, field of a problem, words of its limit, words of its remedy
TABLE: list[tuple[dict[str, Any], int, str, str, str]] = [
    ({"modles": {}}, 2, "modles", "no such key", "'models'"),
    ({"models.chat.replica": 2}, 2, "models.chat.replica", "no such key", "'replicas'"),
    ({"clusters.us.Region": "x"}, 2, "clusters.us.Region", "no such key", "'region'"),
    ({"name": REMOVED}, 2, "name", "required", "Name of the fleet"),
    ({"name": None}, 2, "name", "nothing stands behind the key", "write a value"),
    ({"name": "Acme"}, 2, "name", "lower-case", "chat-large"),
    ({"name": "a" * 25}, 2, "name", "longer than 24", "24 or fewer"),
    ({"name": 5}, 2, "name", "text", "quotes"),
    ({"owner": "ml platform"}, 2, "owner", "lower-case", "like this"),
    ({"environment": "production"}, 2, "environment", "choices", "'prod'"),
    ({"environment": True}, 2, "environment", "choices", "prod"),
    ({"models": {}}, 2, "models", "at least one", "add an entry"),
    ({"models": []}, 2, "models", "mapping", "below it"),
    ({"models": None}, 2, "models", "nothing stands", "no key"),
    ({"clusters": {}}, 2, "clusters", "at least one", "add an entry"),
    ({"budget": {"monthly_usd": 0}}, 2, "budget.monthly_usd", "above 0", "more than 0"),
    ({"budget": {"monthly_usd": "60k"}}, 2, "budget.monthly_usd", "number", "without quotes"),
    ({"budget": {"monthly_usd": float("nan")}}, 2, "budget.monthly_usd", "number", "not infinite"),
    ({"budget": {"monthly_usd": 100}}, 1, "budget.monthly_usd", "largest line is pool l4", "cheaper"),
    ({"budget": None}, 2, "budget", "nothing stands", "no key"),
    ({"prices": {"g6.2xlargee": 1.0}}, 1, "prices.g6.2xlargee", "no machine", "'g6.2xlarge'"),
    ({"accepted_risks": [{"risk": "x", "reason": "because"}]}, 2, "accepted_risks[0].reason", "shorter than 10", "10 characters"),
    ({"accepted_risks": [{"risk": "x", "reason": "long enough"}] * 2}, 1, "accepted_risks[1].risk", "twice", "keep one"),
    ({"accepted_risks": {"x": "y"}}, 2, "accepted_risks", "list", "hyphen"),
    ({"secrets": {"hub_token": "hf_AbCd"}}, 2, "secrets.hub_token", "name of a Kubernetes object", "never what it holds"),
    ({"domain": "https://llm.example.com"}, 2, "domain", "domain name", "without a scheme"),
    ({"domain": "llm.example.com"}, 1, "domain", "not served yet", "leave it out"),
    ({"traffic": {"primary": "hre"}}, 1, "traffic.primary", "no such cluster", "'here'"),
    ({"clusters.us.cloud": "AWS"}, 2, "clusters.us.cloud", "choices", "'aws'"),
    ({"clusters.us.cloud": REMOVED}, 2, "clusters.us.cloud", "whose cluster", "aws, gcp or existing"),
    ({"clusters.us.project": "acme"}, 2, "clusters.us.project", "a key of gcp clusters, and this one is aws", "aws has: account"),
    ({"clusters.eu.endpoint": {}}, 2, "clusters.eu.endpoint", "a key of aws clusters, and this one is gcp", "gcp has: "),
    ({"clusters.us.kubeconfig": "x"}, 2, "clusters.us.kubeconfig", "a key of existing clusters", "remove it"),
    ({"charts": {"folder": "charts", "repository": "https://charts.example.com"}}, 2, "charts", "one place", "remove one"),
    ({"clusters.us.network_cidr": "10.64.0.0/16"}, 2, "clusters.us.network_cidr", "is a /16", "10.64.0.0/17"),
    ({"clusters.us.network_cidr": "203.0.128.0/17"}, 2, "clusters.us.network_cidr", "no private range", "10.0.0.0/8"),
    ({"clusters.us.network_cidr": "172.20.0.0/17"}, 1, "clusters.us.network_cidr", "Services", "network_cidr:"),
    ({"clusters.us.replicate_weights_to": ["gone"]}, 1, "clusters.us.replicate_weights_to[0]", "cluster", "none is defined"),
    ({"clusters.us.account": "12345"}, 2, "clusters.us.account", "twelve digits", "quote it"),
    ({"clusters.us.deployer": "arn:aws:sts::111122223333:assumed-role/deployer/me"}, 2, "clusters.us.deployer", "IAM role", "arn:aws:iam::"),
    ({"clusters.us.zones": ["us-east-2a"]}, 2, "clusters.us.zones[0]", "id of an availability zone", "use2-az1"),
    ({"clusters.us.kubernetes_version": "1.34"}, 2, "clusters.us.kubernetes_version", "is not one of the choices", "1.35"),
    ({"clusters.us.region": "us-central1"}, 2, "clusters.us.region", "Google Cloud region, and this cluster is aws", "change `cloud`"),
    ({"clusters.us.region": "us-west-9"}, 2, "clusters.us.region", "AWS region", "'us-west-"),
    ({"clusters.eu.region": "europe-west5"}, 2, "clusters.eu.region", "Google Cloud region", "'europe-west"),
    ({"clusters.eu.project": "Acme"}, 2, "clusters.eu.project", "project id", "gcloud"),
    ({"clusters.eu.project": "acme"}, 2, "clusters.eu.project", "6 to 30 lower-case letters", "copy the id, not the name"),
    ({"clusters.eu.project": "123456789012"}, 2, "clusters.eu.project", "a letter first", "or the number"),
    ({"clusters.eu.zones": ["us-east-2a"]}, 2, "clusters.eu.zones[0]", "a zone of Google Cloud", "us-central1-a"),
    ({"clusters.eu.zones": ["us-central1-a", "us-central1-b"]}, 1, "clusters.eu.zones[0]", "no zone of europe-west4", "europe-west4-b"),
    ({"clusters.eu.quotas": {"L-DB2E81BA": 8}}, 2, "clusters.eu.quotas.L-DB2E81BA", "id of a quota of Compute Engine", "/NVIDIA_H100"),
    (
        {"clusters.eu.quotas": {"GPUS-PER-GPU-FAMILY-per-project-region": 8}},
        1,
        "clusters.eu.quotas.GPUS-PER-GPU-FAMILY-per-project-region",
        "no quota",
        f"one of: GPUS-PER-GPU-FAMILY-per-project-region/NVIDIA_B200, {H100_FAMILY}",
    ),
    ({"clusters.us.quotas": {L4_QUOTA: 8}}, 2, f"clusters.us.quotas.{L4_QUOTA}", "a quota code of AWS", "list-service-quotas"),
    ({"clusters.eu.quotas": {L4_QUOTA: 3}}, 1, f"clusters.eu.quotas.{L4_QUOTA}", "4 GPUs", "--preferred-value=4"),
    ({"clusters.eu.quotas": {ALL_GPUS: 1}}, 1, f"clusters.eu.quotas.{ALL_GPUS}", "all regions of project", "max_nodes to 1"),
    ({**EU_H100, "clusters.eu.quotas": {H100_FAMILY: 15}}, 1, f"clusters.eu.quotas.{H100_FAMILY}", "16 GPUs", "gpu_family=NVIDIA_H100"),
    ({"clusters.eu.gpu_driver": "R580"}, 2, "clusters.eu.gpu_driver", "choices", "latest"),
    ({"clusters.eu.filestore": {"size_gib": 50}, **SHARED}, 1, "clusters.eu.filestore.size_gib", "100 to 65433 GiB", "49.00 US dollars a month"),
    ({"clusters.eu.images": {"credential_arn": SECRET}}, 1, "clusters.eu.images.credential_arn", "a secret of AWS", "remove it"),
    ({"clusters.us.weight": 1001}, 2, "clusters.us.weight", "most allowed, 1,000", "or less"),
    ({"clusters.us.weight": 50}, 1, "clusters.us.weight", "not served yet", "100"),
    ({"clusters.us.drained": "yes"}, 2, "clusters.us.drained", "true or false", "without quotes"),
    ({"clusters.us.drained": True}, 1, "clusters.us.drained", "not served yet", "leave it out"),
    ({CIDRS: []}, 1, CIDRS, "nobody outside", "in_vpc"),
    ({CIDRS: ["300.1.1.1/99"]}, 2, f"{CIDRS}[0]", "no IPv4 address range", "0 to 255"),
    ({CIDRS: ["203.0.113.0/33"]}, 2, f"{CIDRS}[0]", "prefix length", "203.0.113.0/32"),
    ({CIDRS: ["203.0.113.5/24"]}, 2, f"{CIDRS}[0]", "inside the range 203.0.113.0/24", "203.0.113.5/32"),
    ({CIDRS: ["203.0.113.5"]}, 2, f"{CIDRS}[0]", "not a range", "203.0.113.5/32"),
    ({CIDRS: ["10.0.0.0/16"]}, 2, f"{CIDRS}[0]", "on the internet", "public addresses"),
    ({CIDRS: ["0.0.0.0/0"]}, 1, f"{CIDRS}[0]", "4,294,967,296 addresses", "'open API server us'"),
    ({CIDRS: ["0.0.0.0/1", "128.0.0.0/1"]}, 1, f"{CIDRS}[1]", "2,147,483,648 addresses", "accept it by name"),
    ({"clusters.here.context": "a\nb"}, 2, "clusters.here.context", "one line", "one line"),
    ({"clusters.here.cluster_uid": "abc"}, 2, "clusters.here.cluster_uid", "UID", "kubectl"),
    ({"clusters.here.engine_image": "my image"}, 2, "clusters.here.engine_image", "an image such as", "registry/name:tag"),
    ({"clusters.here.storage_classes": {}}, 1, "clusters.here.storage_classes.cache", "weights of chat", "cache: nfs"),
    ({"clusters.here.storage_classes": {}}, 1, "clusters.here.storage_classes.cache", "or a folder", "clusters.here.cache_folder"),
    ({"clusters.here.cache_folder": "/srv/models"}, 1, "clusters.here.cache_folder", "names shared as well", "clusters.here.storage_classes.cache"),
    ({"clusters.here.cache_folder": "models"}, 2, "clusters.here.cache_folder", "absolute path", "/srv/models"),
    ({"clusters.here.cache_folder": "/srv/../etc"}, 2, "clusters.here.cache_folder", "`..`", "/srv/models"),
    ({"clusters.here.cache_folder": "/srv//models"}, 2, "clusters.here.cache_folder", "empty parts", "/srv/models"),
    ({"clusters.here.cache_folder": "/"}, 2, "clusters.here.cache_folder", "absolute path", "/srv/models"),
    ({"clusters.here.cache_folder": "/srv/models/"}, 2, "clusters.here.cache_folder", "slash at the end", "/srv/models"),
    ({"clusters.us.cache_folder": "/srv/models"}, 2, "clusters.us.cache_folder", "a key of existing clusters", "remove it"),
    ({"clusters.here.storage_classes": {"cash": "x"}}, 2, "clusters.here.storage_classes.cash", "choices", "'cache'"),
    ({"clusters.twin": {"cloud": "existing", "context": "here", "storage_classes": {"cache": "x"}}}, 1, "clusters.twin.context", "here", "another"),
    ({"pools.l4.accelerator": "L5"}, 1, "pools.l4.accelerator", "catalogue", "'L4'"),
    ({"pools.l4.accelerator": "l4"}, 1, "pools.l4.accelerator", "catalogue", "mean 'L4'"),
    ({"pools.l4.accelerator": "A100"}, 1, "pools.l4.accelerator", "catalogue", "'A100-80GB'"),
    ({"pools.unused": {"accelerator": "L5", "max_nodes": 1}}, 1, "pools.unused.accelerator", "catalogue", "'L4'"),
    ({"pools.l4.accelerator": "A10G"}, 1, "pools.l4.gpus_per_node", "not sold for cluster eu", "A10G"),
    ({"pools.l4.accelerator": "A10G"}, 1, "pools.l4.gpus_per_node", "not sold for cluster eu", "g2-standard-8 (gcp, 1 × L4, 0.85"),
    ({**EU, "pools.l4.machine": "a2-ultragpu-1g"}, 1, "pools.l4.machine", "not sold with 1 × L4 for cluster eu", "carries 1 × A100-80GB"),
    ({**EU, "pools.l4.machine": "g6.2xlarge"}, 1, "pools.l4.machine", "not sold with 1 × L4 for cluster eu", "g6.2xlarge is a machine of aws"),
    ({**EU, "pools.l4.gpus_per_node": 3}, 1, "pools.l4.gpus_per_node", "not sold for cluster eu", "g2-standard-24 (gcp, 2 × L4, 2.00"),
    ({**EU, "pools.l4.accelerator": "H100"}, 1, "pools.l4.capacity", "a3-highgpu-1g is sold as spot", "g4-standard-48 (gcp, 1 × RTX-PRO-6000, 4.50"),
    ({**EU, "pools.l4.accelerator": "H100"}, 1, "pools.l4.capacity", "a3-highgpu-1g is sold as spot", "a3-highgpu-8g (gcp, 8 × H100, 88.49"),
    (EU_WEST1, 1, "pools.l4.gpus_per_node", "not sold for cluster eu", "5.07 US dollars per hour) is not sold in europe-west1, but in europe-west4"),
    (EU_WEST1, 1, "pools.l4.gpus_per_node", "not sold for cluster eu", "list prices are those of us-central1 (gcp) and us-east-1 (aws)"),
    ({"pools.l4.gpus_per_node": 3}, 1, "pools.l4.gpus_per_node", "not sold for cluster us", "g6.2xlarge"),
    ({"pools.l4.machine": "g6.3xlarge"}, 1, "pools.l4.machine", "not sold", "g6.2xlarge"),
    ({"pools.l4.max_nodes": 10**9}, 2, "pools.l4.max_nodes", "most allowed, 1,000", "1,000 or less"),
    ({"pools.l4.max_nodes": 10**30}, 2, "pools.l4.max_nodes", "this large", "shorten"),
    ({"pools.l4.max_nodes": -1}, 2, "pools.l4.max_nodes", "least allowed, 1", "1 or more"),
    ({"pools.l4.max_nodes": 1.5}, 2, "pools.l4.max_nodes", "whole number", "without quotes, point"),
    ({"pools.l4.max_nodes": True}, 2, "pools.l4.max_nodes", "whole number", "digits"),
    ({"pools.l4.max_nodes": "4"}, 2, "pools.l4.max_nodes", "whole number", "without quotes"),
    ({"pools.l4.min_nodes": 5}, 1, "pools.l4.min_nodes", "above max_nodes, 4", "4 or less"),
    ({"pools.l4.capacity": ["on-demand"]}, 2, "pools.l4.capacity[0]", "choices", "'on_demand'"),
    ({"pools.l4.capacity": []}, 2, "pools.l4.capacity", "at least one", "add an entry"),
    ({"pools.l4.capacity": "spot"}, 2, "pools.l4.capacity", "list", "[a, b]"),
    ({"pools.l4.capacity": ["spot", "spot"]}, 1, "pools.l4.capacity", "twice", "once"),
    ({"pools.l4.capacity": ["spot"]}, 1, "pools.l4.capacity", "cluster here exists already", "leave capacity out"),
    ({"models.Chat": {"tier": "small", "pool": "l4"}}, 2, "models.Chat", "lower-case", "like this"),
    ({"models." + "m" * 41: {"tier": "small"}}, 2, "models." + "m" * 41, "longer than 40", "40 or fewer"),
    ({"models.vllm": {"tier": "small", "pool": "l4"}}, 1, "models.vllm", "VLLM_PORT", "chat"),
    ({"models.chat.tier": "smal"}, 1, "models.chat.tier", "no such tier", "'small'"),
    ({"models.chat.tier": REMOVED}, 1, "models.chat.tier", "neither tier nor model", "mini-int4"),
    ({"models.chat.tier": None}, 2, "models.chat.tier", "nothing stands", "write a value"),
    ({"models.chat": "{tier: small}"}, 2, "models.chat", "mapping", "key: value"),
    ({"models.chat.model": "https://hub/org/name"}, 2, "models.chat.model", "organisation/name", "as the hub shows it"),
    ({"models.chat.model": "org/name"}, 1, "models.chat.config", "shape of org/name", "config.json"),
    ({"models.chat.model": "org/name", "models.chat.config": "absent.json"}, 1, "models.chat.config", "No such file", "config.json"),
    ({"models.chat.model": "org/name", "models.chat.config": "README.md"}, 1, "models.chat.config", "", "config.json"),
    ({"models.chat.model": "meta-llama/Llama-3.1-8B-Instruct"}, 1, "secrets.hub_token", "licence", "Secret"),
    ({"models.chat.revision": "main"}, 2, "models.chat.revision", "commit of 40", "fleet lock"),
    ({"models.chat.revision": "b968826"}, 2, "models.chat.revision", "commit of 40", "history"),
    ({"models.chat.revision": int("1" * 40)}, 2, "models.chat.revision", "this large", "in quotes"),
    ({"models.chat.max_model_len": 40961}, 1, "models.chat.max_model_len", "40960 positions", "40960 or less"),
    ({"models.chat.max_model_len": 1}, 1, "models.chat.max_model_len", "no prompt", "64 or more"),
    ({"models.chat.max_num_batched_tokens": 1}, 1, "models.chat.max_num_batched_tokens", "no prompt", "64 or more"),
    ({"models.chat.quantization": ""}, 1, "models.chat.quantization", "no method", "leave it out"),
    ({"models.chat.max_output_tokens": 9000}, 1, "models.chat.max_output_tokens", "8192", "raise models.chat.max_model_len"),
    ({"models.chat.tensor_parallel": 3}, 1, "models.chat.tensor_parallel", "32 attention heads", "1, 2, 4, 8"),
    ({"models.chat.tensor_parallel": 2}, 1, "models.chat.tensor_parallel", "needs 2 GPUs", "gpus_per_node"),
    ({"models.chat.gpu_memory_utilization": 95}, 2, "models.chat.gpu_memory_utilization", "0.98", "or less"),
    ({"models.chat.dtype": "bf16"}, 2, "models.chat.dtype", "choices", "'bfloat16'"),
    ({"models.chat.tool_call_parser": "hermse"}, 1, "models.chat.tool_call_parser", "vLLM", "'hermes'"),
    ({"models.chat.slo": "Interactive"}, 2, "models.chat.slo", "choices", "'interactive'"),
    ({"models.chat.cache": "bucket"}, 2, "models.chat.cache", "mapping", "key: value"),
    ({"models.chat.cache": {"kind": "bucket"}}, 1, "models.chat.cache.kind", "not served", "shared"),
    ({"models.chat.cache": {"kind": "volume"}}, 1, "models.chat.cache.kind", "not served", "bucket in a cloud"),
    ({"models.chat.autoscaling": {"enabled": True}}, 1, "models.chat.autoscaling.enabled", "not served", "replicas.min"),
    ({"models.chat.replicas": {"min": 0}}, 2, "models.chat.replicas.min", "least allowed, 1", "1 or more"),
    ({"models.chat.replicas": {"min": 3, "max": 2}}, 1, "models.chat.replicas.max", "below min, 3", "lower min"),
    ({"models.chat.replicas": {"min": 5}}, 1, "models.chat.replicas.max", "4 nodes", "max_nodes"),
    (
        {"models.chat.replicas": {"min": 4}, "models.chat.rollout": {"max_surge": 1, "max_unavailable": 0}},
        1,
        "models.chat.rollout.max_surge",
        "4",
        "5",
    ),
    ({"models.chat.rollout": {"max_surge": 0, "max_unavailable": 0}}, 1, "models.chat.rollout", "cannot move", "max_surge"),
    ({"models.chat.rollout": {"max_surge": 1}}, 2, "models.chat.rollout.max_unavailable", "required", "missing meanwhile"),
    ({"models.chat.pool": "l5"}, 1, "models.chat.pool", "no such pool", "'l4'"),
    ({"models.chat.pool": REMOVED}, 1, "models.chat.pool", "here, us, eu", "l4"),
    ({"models.chat.placements": {}}, 1, "models.chat.placements", "runs somewhere", "leave placements out"),
    ({"models.chat.placements": {"hre": {}}}, 1, "models.chat.placements.hre", "no such cluster", "'here'"),
    ({"models.chat.placements": {"here": {"pool": "l5"}}}, 1, "models.chat.placements.here.pool", "no such pool", "'l4'"),
    ({"models.chat.placements": {"here": None}}, 2, "models.chat.placements.here", "nothing stands", "{}"),
    ({"models.chat.placements": ["here"]}, 2, "models.chat.placements", "mapping", "below it"),
    ({**PROD, "models.chat.slo": "interactive", "models.chat.replicas": {"min": 1}}, 1, "models.chat.replicas.min", "at least 2", "set it to 2"),
    ({"environment": "prod"}, 1, "clusters.here.cluster_uid", "identity is known", "kubectl"),
    (PROD, 1, "accepted_risks", "pinned", "unresolved image docker.io/vllm/vllm-openai"),
]


@pytest.mark.parametrize(("changes", "code", "field", "limit", "remedy"), TABLE, ids=[f"{row[2]}-{index}" for index, row in enumerate(TABLE)])
def test_a_wrong_value_is_refused_with_its_field_the_limit_and_what_to_do(
    changes: dict[str, Any], code: int, field: str, limit: str, remedy: str
) -> None:
    said, problems = refused(changed(small(), changes))
    found = [problem for problem in problems if problem.field == field]
    assert said == code, f"1 is a refused plan, 2 a wrong input: {[problem.message for problem in problems]}"
    assert found, f"the field is named: {[problem.message for problem in problems]}"
    assert any(limit in problem.limit for problem in found), f"it says what is wrong: {found[0].limit}"
    assert any(remedy in problem.remedy for problem in found), f"it says what to do: {found[0].remedy}"
    assert all("\n" not in problem.message for problem in problems), "one line each"


def test_the_file_that_the_table_breaks_is_accepted_as_it_is() -> None:
    assert refused(small()) == (0, ()), "otherwise every row would prove nothing"


@pytest.mark.parametrize("value", [None, [], "text", 5, True, 3.5, [[]], '{"name": "test"}'])
def test_settings_that_are_no_mapping_are_refused_as_a_whole(value: object) -> None:
    code, problems = refused(value)
    assert code == 2, "the input is wrong"
    assert [problem.field for problem in problems] == ["vllm-fleet:fleet"], "one problem, at the key"
    assert "a mapping belongs here" in problems[0].limit, "what belongs there"


def test_all_schema_problems_are_told_at_once() -> None:
    wrong = {"name": None, "clusters.us.region": "x", "models.chat.slo": "fast", "models.chat.replica": 1, "pools.l4.max_nodes": 0}
    _, problems = refused(changed(small(), wrong))
    assert {problem.field for problem in problems} == set(wrong), "a person mends them in one go"


def test_all_plan_problems_are_told_at_once() -> None:
    wrong = {"clusters.us.weight": 5, "models.chat.tensor_parallel": 3, "pools.l4.min_nodes": 9, "models.other": {"tier": "x", "pool": "l4"}}
    _, problems = refused(changed(small(), wrong))
    expected = {"clusters.us.weight", "models.chat.tensor_parallel", "pools.l4.min_nodes", "models.other.tier"}
    assert {problem.field for problem in problems} == expected, "a person mends them in one go"


def test_the_same_problem_is_told_once_however_many_clusters_have_it() -> None:
    _, problems = refused(changed(small(), {"models.chat.tensor_parallel": 2}))
    assert [problem.field for problem in problems].count("models.chat.tensor_parallel") == 1, "three clusters, one mistake"


def test_a_secret_that_was_pasted_into_the_file_is_never_repeated() -> None:
    for secret in ("hf_AbCdEfGhIj", ["hf_AbCdEfGhIj"], 1.5):
        _, problems = refused(changed(small(), {"secrets": {"hub_token": secret}}))
        assert problems, "it is no name"
        assert not any("AbCd" in problem.message or "AbCd" in str(problem.value) for problem in problems), "messages end up in logs"


def test_an_accepted_risk_opens_an_api_server_to_everybody() -> None:
    risk = {"risk": "open API server us", "reason": "runners have no fixed addresses"}
    assert refused(changed(small(), {CIDRS: ["0.0.0.0/0"], "accepted_risks": [risk]})) == (0, ()), "somebody said yes by name"


def test_keys_that_are_no_text_and_values_that_json_has_no_word_for_are_refused() -> None:
    strange = small() | {"owner": b"bytes", "name": "\ud800", 1: {}, None: {}}
    code, problems = refused(strange)
    assert code == 2, "the input is wrong"
    assert {problem.field for problem in problems} == {"owner", "name", "(top level)"}, "each of them"
    assert all(problem.message.isprintable() for problem in problems), "and the message itself can be printed"


def test_nesting_without_end_is_refused_in_one_line() -> None:
    endless = small()
    endless["models"]["chat"]["cache"] = endless
    code, problems = refused(endless)
    assert (code, len(problems)) == (2, 1), "one problem"
    assert "levels" in problems[0].limit, "it says why"
