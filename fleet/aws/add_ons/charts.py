"""Charts of an EKS cluster, with values that were rendered (docs/adr/0042-add-ons.md). Metrics are scraped by no one yet: no ServiceMonitors."""

from __future__ import annotations

from collections.abc import Mapping

from fleet import charts
from fleet.add_ons import AddOn
from fleet.aws.inputs import RegionInputs
from fleet.aws.nodes import expander_priorities
from fleet.charts import CONTAINER_SECURITY, GPU_NAMESPACE, ON_GPU_TAINT, RUNTIME_PROFILE, SYSTEM_MACHINES, machines_with, source
from fleet.references import Planned, Reference
from fleet.versions import CLUSTER_AUTOSCALER_CHART, CLUSTER_AUTOSCALER_TAGS, LOAD_BALANCER_CONTROLLER_CHART, NVIDIA_DEVICE_PLUGIN_CHART

SYSTEM_NAMESPACE = "kube-system"

GPU_LABEL = "k8s.amazonaws.com/accelerator"
"""Of every GPU machine, set by its node group. The device plugin's own terms wait for labels that nobody sets here."""

AUTOSCALER_GRACE_SECONDS = 600
"""What Cluster Autoscaler waits for a pod by default before it takes the machine away."""


def cluster_autoscaler(inputs: RegionInputs) -> AddOn:
    """Grows and shrinks node groups, rung by rung."""
    chart, repository = source(inputs.settings.charts, "cluster-autoscaler", CLUSTER_AUTOSCALER_CHART)
    return AddOn(
        name="cluster-autoscaler",
        chart=chart,
        repository=repository,
        version=CLUSTER_AUTOSCALER_CHART,
        namespace=SYSTEM_NAMESPACE,
        identity="cluster-autoscaler",
        service_account="cluster-autoscaler",
        reason="buys machines for pods that wait, in the order of the pool's capacity, and gives idle ones back",
        values={
            "fullnameOverride": "cluster-autoscaler",
            "cloudProvider": "aws",
            "awsRegion": inputs.region,  # pods cannot ask the machine's metadata: its answers go one hop far
            "autoDiscovery": {"clusterName": inputs.name},
            "image": {"tag": CLUSTER_AUTOSCALER_TAGS[inputs.cluster.kubernetes_version]},
            "replicaCount": 2,
            "podDisruptionBudget": {"maxUnavailable": 1},
            "priorityClassName": "system-cluster-critical",
            "rbac": {"serviceAccount": {"name": "cluster-autoscaler"}},
            "extraArgs": _autoscaler_flags(inputs),
            # Text keys: numbers would not survive as keys of JSON, and the chart makes numbers of them.
            "expanderPriorities": {str(priority): list(names) for priority, names in expander_priorities(inputs).items()},
            "resources": {"requests": {"cpu": "100m", "memory": "600Mi"}, "limits": {"memory": "1Gi"}},
            "securityContext": {"runAsNonRoot": True, "runAsUser": 65534, "runAsGroup": 65534, "seccompProfile": RUNTIME_PROFILE},
            "containerSecurityContext": CONTAINER_SECURITY,
            "topologySpreadConstraints": [_spread("cluster-autoscaler")],
            "serviceMonitor": {"enabled": False},
            **SYSTEM_MACHINES,
        },
    )


def _autoscaler_flags(inputs: RegionInputs) -> dict[str, Planned]:
    longest_grace_seconds = max((model.drain.grace_seconds for model in inputs.models), default=0)
    return {
        "v": 2,
        "expander": "priority,least-waste",
        "balance-similar-node-groups": True,
        "skip-nodes-with-local-storage": False,  # model servers keep shared memory and compile caches in emptyDirs
        "scale-down-unneeded-time": "15m",
        "scale-down-delay-after-add": "15m",
        "scale-down-unready-time": "20m",
        "scale-down-gpu-utilization-threshold": 0.01,  # a GPU machine goes only when nobody asks for any of its GPUs
        "ignore-daemonsets-utilization": True,
        "max-node-provision-time": "20m",  # then the next rung is tried
        "max-node-startup-time": "20m",
        "initial-node-group-backoff-duration": "5m",
        "max-node-group-backoff-duration": "30m",
        "max-graceful-termination-sec": max(AUTOSCALER_GRACE_SECONDS, longest_grace_seconds),
    }


def device_plugin(inputs: RegionInputs) -> AddOn:
    """Tells each kubelet of its GPUs."""
    chart, repository = source(inputs.settings.charts, "nvidia-device-plugin", NVIDIA_DEVICE_PLUGIN_CHART)
    return AddOn(
        name="nvidia-device-plugin",
        chart=chart,
        repository=repository,
        version=NVIDIA_DEVICE_PLUGIN_CHART,
        namespace=GPU_NAMESPACE,
        wait=False,
        reason="without it no pod gets a GPU",
        values={
            "gfd": {"enabled": False},  # node groups set the labels; discovery would bring three workloads of its own
            "failOnInitError": True,
            "updateStrategy": {"type": "RollingUpdate", "rollingUpdate": {"maxUnavailable": "10%"}},
            "resources": {"requests": {"cpu": "20m", "memory": "64Mi"}, "limits": {"memory": "256Mi"}},
            "affinity": machines_with(GPU_LABEL),
            "tolerations": [ON_GPU_TAINT, {"key": "CriticalAddonsOnly", "operator": "Exists"}],
            "priorityClassName": "system-node-critical",
        },
    )


def dcgm_exporter(inputs: RegionInputs) -> AddOn:
    """Measures GPUs, as an agent that goes last where memory is short."""
    return charts.dcgm_exporter(inputs.settings.charts, GPU_LABEL, {"priorityClassName": "system-node-critical"})


def load_balancer_controller(inputs: RegionInputs) -> AddOn:
    """Keeps the pods' addresses in target groups that this program makes; everything else it could do is off."""
    chart, repository = source(inputs.settings.charts, "aws-load-balancer-controller", LOAD_BALANCER_CONTROLLER_CHART)
    return AddOn(
        name="aws-load-balancer-controller",
        chart=chart,
        repository=repository,
        version=LOAD_BALANCER_CONTROLLER_CHART,
        namespace=SYSTEM_NAMESPACE,
        identity="load-balancer-controller",
        service_account="aws-load-balancer-controller",
        reason="registers gateway pods with load balancers that a destroy of this stack can find and delete",
        values={
            "clusterName": inputs.name,
            "region": inputs.region,
            "vpcId": Reference("vpc_id"),
            "serviceAccount": {"create": True, "name": "aws-load-balancer-controller"},
            "replicaCount": 2,
            "podDisruptionBudget": {"maxUnavailable": 1},
            **_target_groups_only(),
            "keepTLSSecret": True,  # else every update makes a new certificate authority
            "podMutatorWebhookConfig": {"failurePolicy": "Ignore"},
            "targetgroupbindingMaxConcurrentReconciles": 6,
            "resources": {"requests": {"cpu": "100m", "memory": "200Mi"}, "limits": {"memory": "512Mi"}},
            "podSecurityContext": {"fsGroup": 65534, "seccompProfile": RUNTIME_PROFILE},
            "securityContext": {"runAsNonRoot": True, **CONTAINER_SECURITY},
            "priorityClassName": "system-cluster-critical",
            "serviceMonitor": {"enabled": False},
            **SYSTEM_MACHINES,
        },
    )


def _target_groups_only() -> Mapping[str, Planned]:
    """Load balancers that a controller makes are in no state: a destroy would leave them, and the subnets they lie in, behind."""
    off = ("EnableServiceController", "NLBGatewayAPI", "ALBGatewayAPI", "GatewayListenerSet", "GlobalAcceleratorController", "LBCapacityReservation")
    return {
        "createIngressClassResource": False,
        "ingressClassParams": {"create": False},
        "enableServiceMutatorWebhook": False,
        "webhookConfig": {"disableIngressValidation": True},
        "enableShield": False,
        "enableWaf": False,
        "enableWafv2": False,
        "enableBackendSecurityGroup": False,
        "controllerConfig": {"featureGates": dict.fromkeys(off, False)},
    }


def _spread(release: str) -> dict[str, Planned]:
    return {
        "maxSkew": 1,
        "topologyKey": "topology.kubernetes.io/zone",
        "whenUnsatisfiable": "ScheduleAnyway",
        "labelSelector": {"matchLabels": {"app.kubernetes.io/instance": release}},
    }
