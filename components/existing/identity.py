"""Is this the cluster the stack file means? Asked before anything is created: a context can be pointed elsewhere at any time."""

from __future__ import annotations

from pathlib import Path

import httpx2
import pulumi
from lightkube.config.kubeconfig import KubeConfig, SingleConfig
from lightkube.core.client import Client
from lightkube.core.exceptions import ApiError, ConfigError
from lightkube.resources.core_v1 import Namespace

from fleet.fleet_plan import ClusterPlan
from fleet.problems import InputError, Problem

TIMEOUT_SECONDS = 5.0


def verify(plan: ClusterPlan) -> None:
    """Compare the UID of kube-system with the one in the stack file.

    A cluster that does not answer is no mismatch: others must be served while one is down, and the provider reports by
    itself if something has to change there.

    Raises:
        InputError: the kubeconfig or the context is missing, or it is another cluster.
    """
    config = _config(plan)
    where = f"clusters.{plan.name}"
    try:
        with Client(config=config, timeout=httpx2.Timeout(TIMEOUT_SECONDS)) as client:
            namespace = client.get(Namespace, "kube-system")
    except (ApiError, httpx2.HTTPError, OSError) as error:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        pulumi.log.warn(f"{where} does not answer ({reason}); changes there will fail until it does")
        return
    uid = namespace.metadata.uid if namespace.metadata else None
    if plan.cluster_uid is None:
        pulumi.log.warn(f"{where}.cluster_uid is not set: nothing would notice if context {plan.context} pointed elsewhere; it is {uid} now")
    elif uid != plan.cluster_uid:
        limit = f"context {plan.context} points at the cluster {uid}"
        remedy = f"point the context back, or write {uid} here if this cluster is meant"
        raise InputError([Problem(field=f"{where}.cluster_uid", value=plan.cluster_uid, limit=limit, remedy=remedy)])


def kubeconfig_path(plan: ClusterPlan) -> Path:
    """The kubeconfig, with ~ and relative paths resolved."""
    return Path(str(plan.kubeconfig)).expanduser().resolve()


def _config(plan: ClusterPlan) -> SingleConfig:
    path = kubeconfig_path(plan)
    field = f"clusters.{plan.name}"
    if not path.is_file():
        remedy = "name a kubeconfig that exists (`make local` writes .local/kubeconfig)"
        raise InputError([Problem(field=f"{field}.kubeconfig", value=plan.kubeconfig, limit=f"there is no file {path}", remedy=remedy)])
    try:
        config = KubeConfig.from_file(path)
        single = config.get(context_name=plan.context)
    except (ConfigError, ValueError, KeyError, TypeError, AttributeError) as error:
        remedy = f"choose a context of that file: kubectl config get-contexts --kubeconfig {path}"
        limit = f"{path} has no usable context of that name ({error})"
        raise InputError([Problem(field=f"{field}.context", value=plan.context, limit=limit, remedy=remedy)]) from None
    if single is None:
        limit = f"{path} has contexts {', '.join(sorted(config.contexts))}"
        raise InputError([Problem(field=f"{field}.context", value=plan.context, limit=limit, remedy="choose one of them")])
    return single
