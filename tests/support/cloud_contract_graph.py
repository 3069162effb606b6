"""What every cloud's region must be like, judged on what its sample registers: one sentence for everything that it owes."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from functools import cache
from importlib import import_module
from typing import Any

from jsonschema import Draft202012Validator

from fleet import naming
from fleet.fleet_plan import ClusterPlan
from tests.support.cloud_contract_differences import MAKES_NOTHING
from tests.support.cloud_contract_samples import ROLES, SECRETS, Recorded
from tests.support.cloud_login import COMMANDS, CREDENTIALS, GOOGLE_SECRET
from tests.support.recording import Resource
from tests.support.schema_rules import undescribed
from tests.support.syntax import PROJECT

KUBERNETES = "pulumi:providers:kubernetes"
LABELS = {"tags": "tagsAll", "labels": "effectiveLabels", "resourceLabels": "effectiveLabels"}
"""How resources call their labels, and what a class has in which a provider's default labels end up as well."""

GUARDS = {"deletionProtection": True, "deletionPolicy": "PREVENT", "forceDestroy": False}
"""Inputs that keep something from being deleted, wherever they stand."""

VALUES = ("SecretVersion", "AccessKey", "serviceaccount/key:Key", "kubernetes:core/v1:Secret")
"""How types end that hold a value which nobody but its owner may see."""

SURFACE = {"name", "kubernetes_cluster", "cloud", "region", "state", "namespace", "models"}
"""What the stack hands out of a cluster that it made."""


def graph_owes(cloud: str, run: Recorded) -> Iterator[str]:
    """Everything that is wrong with a sample's graph."""
    yield from _of_the_run(run)
    yield from _outputs(cloud, run)
    for cluster in run.plan.clusters:
        rules: tuple[Rule, ...] = (_components, _providers, _login, _labels, _objects, _protection, _order, _load_balancers)
        for rule in rules:
            yield from (f"{cluster.name} in {run.plan.environment}: {sentence}" for sentence in rule(cloud, cluster, run))


Rule = Callable[[str, ClusterPlan, Recorded], Iterator[str]]


def _of_the_run(run: Recorded) -> Iterator[str]:
    graph = run.graph
    yield from (f"{token} is looked up: a preview would need the cloud, and a plan is whole without" for token in sorted(set(graph.invokes)))
    yield from (f"{name} is made inside of apply: it would be missing from previews" for name in graph.inside_apply)
    text = json.dumps([[each.inputs for each in graph.resources.values()], graph.outputs, graph.said])
    for value in (*SECRETS.values(), *CREDENTIALS.values(), GOOGLE_SECRET):
        if value in text:
            yield f"a secret that begins with {value[:4]} is in the inputs, the outputs or the log"
    for each in graph.resources.values():
        if each.type.endswith(VALUES) or {path.partition(".")[0] for path in each.secrets} & set(each.inputs):
            yield f"{each.type} {each.name} holds a secret: values come from the cloud's own store and never pass through here"
        if run.home(each) is None:
            yield f"{each.name} stands outside of every region: it would go or change with none of them"
        if each.retain_on_delete:
            yield f"{each.name} is left behind when it is deleted: a destroy leaves nothing"


def _outputs(cloud: str, run: Recorded) -> Iterator[str]:
    handed_out = json.loads(json.dumps(run.graph.outputs))
    schema = json.loads((PROJECT / "contracts" / "outputs.schema.json").read_text(encoding="utf-8"))
    yield from (f"the outputs break their contract: {error.message}" for error in Draft202012Validator(schema).iter_errors(handed_out))
    yield from (f"outputs: {path} is not in contracts/outputs.schema.json" for path in undescribed(schema, handed_out))
    wanted = SURFACE - {"kubernetes_cluster"} if cloud in MAKES_NOTHING else SURFACE
    for cluster in handed_out["clusters"]:
        if set(cluster) != wanted:
            yield f"outputs of cluster {cluster['name']} have {sorted(set(cluster) ^ wanted)} too few or too many (stacks/outputs.py)"


def _components(cloud: str, cluster: ClusterPlan, run: Recorded) -> Iterator[str]:
    around = {above.type for each in run.made(cluster) for above in run.graph.ancestors(each)}
    for token in sorted(around - {"fleet:stacks:Region"}):
        if not token.startswith(f"fleet:{cloud}:"):
            yield f"{token} is around resources of this cloud: its components are called fleet:{cloud}:…"
    if cloud in MAKES_NOTHING:
        yield from (f"{each.name} is made, and this cloud makes nothing" for each in run.made(cluster))
        return
    for role in ROLES:
        kind = run.sample.kinds.get(role)
        found = [each for each in run.made(cluster) if each.type == kind]
        if not found:
            yield f"there is no {role}{f' ({kind})' if kind else ': name its type in the sample'}"


def _providers(cloud: str, cluster: ClusterPlan, run: Recorded) -> Iterator[str]:
    providers = [each for each in run.graph.resources.values() if each.type.startswith("pulumi:providers:") and run.home(each) == cluster.name]
    if len([each for each in providers if each.type == KUBERNETES]) != 1:
        yield "it has not exactly one Kubernetes provider"
    if cloud not in MAKES_NOTHING and cluster.region not in {each.inputs.get("region", each.inputs.get("location")) for each in providers}:
        yield f"no provider of its own is for {cluster.region}"
    for each in (*run.made(cluster), *run.objects(cluster)):
        provider = run.graph.provider(each)
        if provider is None:
            yield f"{each.name} has no explicit provider: it would land wherever the machine's environment points"
        elif provider not in providers:
            yield f"{each.name} is made by {provider.name}, of another region"
        elif (provider.type == KUBERNETES) != each.type.startswith("kubernetes:"):
            yield f"{each.name} is made by {provider.type}"


def _login(cloud: str, cluster: ClusterPlan, run: Recorded) -> Iterator[str]:
    for provider in run.graph.resources.values():
        if provider.type != KUBERNETES or run.home(provider) != cluster.name:
            continue
        inputs = provider.inputs
        if inputs.get("clusterIdentifier") != cluster.identifier:
            yield "the Kubernetes provider's cluster_identifier is not the plan's: all that is in the cluster would be replaced with its kubeconfig"
        if inputs.get("enableServerSideApply") != "true" or inputs.get("enableConfigMapMutable") != "true":
            yield "the Kubernetes provider applies otherwise than those of other clouds (server-side, ConfigMaps changed in place)"
        if cloud not in MAKES_NOTHING:
            yield from _kubeconfig(inputs.get("kubeconfig", ""))


def _kubeconfig(text: str) -> Iterator[str]:
    try:
        users = json.loads(text)["users"]
    except (ValueError, KeyError, TypeError) as error:
        yield f"the kubeconfig is no JSON with users ({type(error).__name__}): paths differ between machines, and YAML is not compared"
        return
    for user in users:
        if set(user["user"]) != {"exec"}:
            yield f"the kubeconfig logs in by {sorted(user['user'])}, and only a command that asks for a token each time leaves none in the state"
        elif user["user"]["exec"]["command"] not in COMMANDS:
            yield f"tests/support/cloud_login.py knows no command {user['user']['exec']['command']} (COMMANDS)"


def _labels(cloud: str, cluster: ClusterPlan, run: Recorded) -> Iterator[str]:
    if cloud in MAKES_NOTHING:
        return
    wanted = {**cluster.tags, "managed-by": naming.MANAGER}
    for each in run.made(cluster):
        provider = run.graph.provider(each)
        fields, marked = _labelled(each.type)
        by_default = marked and provider is not None and _says(wanted, provider.inputs)
        if fields and not by_default and not any(_says(wanted, each.inputs.get(name)) for name in fields):
            yield f"{each.type} {each.name} takes {' and '.join(sorted(fields))} and does not say whose it is: {', '.join(sorted(wanted))}"


def _objects(cloud: str, cluster: ClusterPlan, run: Recorded) -> Iterator[str]:
    """Likewise inside: what is in the cluster says whose it is."""
    wanted = {**naming.ownership(cluster.tags), **{f"{naming.MANAGER}/{key}": cluster.tags[key] for key in ("owner", "cluster")}}
    for each in run.objects(cluster):
        if each.is_object and not wanted.items() <= each.inputs["metadata"].get("labels", {}).items():
            yield f"{each.type} {each.name} does not say whose it is: {', '.join(sorted(wanted))}"


@cache
def _labelled(kind: str) -> tuple[frozenset[str], bool]:
    """How a type calls its labels, and whether its provider's default labels reach it: asked of the SDK's class."""
    package, module, name = kind.split(":")
    try:
        found: Any = getattr(import_module(f"pulumi_{package.replace('-', '_')}.{module.split('/')[0].lower()}"), name)
    except (ImportError, AttributeError):
        return frozenset(), False
    own = {field for field in LABELS if hasattr(found, _snake(field))}
    return frozenset(own - {"tags"} if own != {"tags"} and package == "gcp" else own), any(hasattr(found, _snake(LABELS[field])) for field in own)


def _snake(name: str) -> str:
    return "".join(f"_{letter.lower()}" if letter.isupper() else letter for letter in name)


def _says(wanted: Mapping[str, str], value: Any) -> bool:
    """Whether the labels are in a value, however deep, in JSON text too."""
    if isinstance(value, str) and value.startswith("{"):
        return _says(wanted, json.loads(value))
    if isinstance(value, Mapping):
        return wanted.items() <= {key: inner for key, inner in value.items() if isinstance(inner, str)}.items() or any(
            _says(wanted, inner) for inner in value.values()
        )
    return False


def _protection(cloud: str, cluster: ClusterPlan, run: Recorded) -> Iterator[str]:
    guarded = run.guarded(cluster) and cloud not in MAKES_NOTHING
    here = [each for each in run.graph.resources.values() if run.home(each) == cluster.name]
    protected = {each.type for each in here if each.protect}
    yield from (f"{each.name} is protected, and what is inside a component inherits that" for each in here if each.protect and not each.custom)
    if not guarded:
        yield from (f"{each.name} is protected, and must be free to go" for each in here if each.protect)
        yield from (f"{each.name} says {name}: it must be free to go" for each in run.made(cluster) for name in _guards(each))
        return
    for role in ("network", "cluster", "key", "bucket"):
        kind = run.sample.kinds.get(role)
        if kind and kind not in protected:
            yield f"its {role} ({kind}) is not protected, and cannot be made again as it was"
        name, value = run.sample.guards.get(role, ("", None))
        for each in (found for found in run.made(cluster) if name and found.type == kind and found.inputs.get(name) != value):
            yield f"{each.name} does not say {name}: {value}, by which the cloud itself refuses to delete it"
    yield from (f"the sample names no guard of its {role}" for role in ("cluster", "bucket") if role not in run.sample.guards)


def _guards(each: Resource) -> Iterator[str]:
    return (name for name, value in GUARDS.items() if each.inputs.get(name, not value) == value)


def _order(cloud: str, cluster: ClusterPlan, run: Recorded) -> Iterator[str]:
    kinds = run.sample.kinds
    made = {role: [each for each in run.made(cluster) if each.type == kind] for role, kind in kinds.items()}
    for each in run.objects(cluster):
        needs = run.graph.needs(each)
        for role in ("machines", "cluster", "network"):
            if any(needed.urn not in needs for needed in made.get(role, [])):
                yield f"{each.name} in the cluster does not wait for its {role}: a destroy would take those away first"
    for role, others in (("machines", ("network", "cluster", "key")), ("cluster", ("network", "key"))):
        for each in made.get(role, []):
            needs = run.graph.needs(each)
            for other in others:
                if any(needed.urn not in needs for needed in made.get(other, [])):
                    yield f"{each.name} ({role}) does not wait for its {other}: a destroy would take that away first"
    for each in run.made(cluster):
        if any(run.graph.resources[urn].type.startswith("kubernetes:") for urn in run.graph.needs(each)):
            yield f"{each.name} waits for something in a cluster: it could not be changed while an API server is down"


def _load_balancers(cloud: str, cluster: ClusterPlan, run: Recorded) -> Iterator[str]:
    for each in run.objects(cluster):
        kind = each.type.rpartition(":")[2]
        if kind in {"Ingress", "Gateway"} or _asks_for_load_balancer(each.inputs):
            yield f"{each.name} ({kind}) has a load balancer made that the state does not know, and that a destroy leaves behind"


def _asks_for_load_balancer(value: Any) -> bool:
    if isinstance(value, Mapping):
        return value.get("type") == "LoadBalancer" or any(_asks_for_load_balancer(inner) for inner in value.values())
    return isinstance(value, list) and any(_asks_for_load_balancer(inner) for inner in value)
