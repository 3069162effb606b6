"""Is this the cluster the stack file means? Asked before anything is created: a context can be pointed elsewhere at any time."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import httpx2
import pulumi
import yaml
from lightkube.config.kubeconfig import KubeConfig, SingleConfig
from lightkube.core.client import Client
from lightkube.core.exceptions import ConfigError
from lightkube.resources.core_v1 import Namespace

from fleet.fleet_plan import ClusterPlan
from fleet.naming import ownership
from fleet.problems import InputError, Problem

TIMEOUT_SECONDS = 5.0
NOT_FOUND, SERVER_ERROR = 404, 500


class _Silent(Exception):
    """Nobody answers."""


class _Unproven(Exception):
    """Somebody answers, or would, and does not say which cluster it is."""


def verify(plan: ClusterPlan) -> None:
    """Compare the UID of kube-system with the one in the stack file, and look whose our namespace is if it is there already.

    A cluster that does not answer is no mismatch: others must be served while one is down, and the provider reports by
    itself if something has to change there. One that answers and hides its identity is refused where the stack file says it.

    Raises:
        InputError: the kubeconfig or the context is missing, or it is another cluster, or the namespace is not ours.
    """
    config = _config(plan)
    where, expected = f"clusters.{plan.name}", plan.cluster_uid
    labels = None
    try:
        uid, labels = _facts(config, plan.namespace)
    except _Silent as silent:
        pulumi.log.warn(f"{where} does not answer ({silent}); changes there will fail until it does")
        return
    except _Unproven as unproven:
        uid = None
        limit = f"context {plan.context} does not say which cluster it is ({unproven})"
        remedy = "log in again, or let this user read the namespace kube-system"
    else:
        limit = f"context {plan.context} points at the cluster {uid}"
        remedy = f"point the context back, or write {uid} here if this cluster is meant"
    if expected is None:
        pulumi.log.warn(f"{where}.cluster_uid is not set: nothing would notice if the context were changed; {limit}")
    elif uid != expected:
        raise InputError([Problem(field=f"{where}.cluster_uid", value=expected, limit=limit, remedy=remedy)])
    if labels is not None:
        _require_ours(plan, labels)


def _require_ours(plan: ClusterPlan, labels: Mapping[str, str]) -> None:
    """The provider adopts what exists and what we set is forced, so a namespace of somebody else must never be written to."""
    wanted = ownership(plan.tags)
    if all(labels.get(key) == value for key, value in wanted.items()):
        return
    found = ", ".join(f"{key}={labels[key]}" for key in wanted if key in labels) or "none of our labels"
    meant = " ".join(f"{key}={value}" for key, value in wanted.items())
    limit = f"its namespace {plan.namespace} is somebody else's ({found})"
    remedy = f"use another cluster; or, if it is this fleet's, kubectl label namespace {plan.namespace} --overwrite {meant}"
    raise InputError([Problem(field=f"clusters.{plan.name}.context", value=plan.context, limit=limit, remedy=remedy)])


def kubeconfig_path(plan: ClusterPlan) -> Path:
    """The kubeconfig, with ~ and relative paths resolved."""
    return Path(str(plan.kubeconfig)).expanduser().resolve()


def _facts(config: SingleConfig, namespace: str) -> tuple[str | None, Mapping[str, str] | None]:
    """The UID of kube-system, and the labels of our namespace where it exists."""
    try:
        with Client(config=config, timeout=httpx2.Timeout(TIMEOUT_SECONDS)) as client:
            system = client.get(Namespace, "kube-system").metadata
            ours = _namespace(client, namespace)
    except httpx2.HTTPStatusError as error:
        raise (_Silent if error.response.status_code >= SERVER_ERROR else _Unproven)(_line(error)) from None
    except (httpx2.TransportError, OSError) as error:
        raise _Silent(_line(error)) from None
    except (ConfigError, httpx2.InvalidURL, ValueError, KeyError, TypeError) as error:
        raise _Unproven(_line(error)) from None
    return system.uid if system else None, ours


def _namespace(client: Client, name: str) -> Mapping[str, str] | None:
    try:
        found = client.get(Namespace, name).metadata
    except httpx2.HTTPStatusError as error:
        if error.response.status_code == NOT_FOUND:
            return None
        raise
    return (found.labels if found else None) or {}


def _line(error: Exception) -> str:
    return str(error).splitlines()[0] if str(error) else type(error).__name__


def _config(plan: ClusterPlan) -> SingleConfig:
    path, field = kubeconfig_path(plan), f"clusters.{plan.name}"
    if not path.is_file():
        remedy = "name a kubeconfig that exists (`make local` writes .local/kubeconfig)"
        raise InputError([Problem(field=f"{field}.kubeconfig", value=plan.kubeconfig, limit=f"there is no file {path}", remedy=remedy)])
    try:
        config = KubeConfig.from_file(path)
    except (yaml.YAMLError, OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        limit = f"{path} is no kubeconfig ({_line(error)})"
        raise InputError([Problem(field=f"{field}.kubeconfig", value=plan.kubeconfig, limit=limit, remedy="name another file, or mend it")]) from None
    remedy = f"choose a context of that file: kubectl config get-contexts --kubeconfig {path}"
    try:
        single = config.get(context_name=plan.context)
    except (ConfigError, KeyError) as error:
        limit = f"{path} has no usable context of that name ({_line(error)}); it has {', '.join(sorted(config.contexts)) or 'none'}"
        raise InputError([Problem(field=f"{field}.context", value=plan.context, limit=limit, remedy=remedy)]) from None
    if single is None or single.user is None:
        raise InputError([Problem(field=f"{field}.context", value=plan.context, limit=f"in {path} it names no user", remedy=remedy)])
    return single
