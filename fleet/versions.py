"""Every pinned version of what runs in a cluster, in one place. Python packages are pinned in requirements.txt."""

# renovate: datasource=pypi depName=vllm
VLLM = "0.33.0"

# The tag is inferred from vLLM's publish script and was not seen in a registry; its digest comes from fleet.lock.json.
ENGINE_IMAGE = "docker.io/vllm/vllm-openai"
ENGINE_TAG = f"v{VLLM}"

# renovate: datasource=helm depName=cluster-autoscaler registryUrl=https://kubernetes.github.io/autoscaler
CLUSTER_AUTOSCALER_CHART = "9.59.0"
# renovate: datasource=helm depName=nvidia-device-plugin registryUrl=https://nvidia.github.io/k8s-device-plugin
NVIDIA_DEVICE_PLUGIN_CHART = "0.20.0"
# renovate: datasource=helm depName=dcgm-exporter registryUrl=https://nvidia.github.io/dcgm-exporter/helm-charts
DCGM_EXPORTER_CHART = "4.8.2"
# renovate: datasource=helm depName=aws-load-balancer-controller registryUrl=https://aws.github.io/eks-charts
LOAD_BALANCER_CONTROLLER_CHART = "3.5.0"
# renovate: datasource=helm depName=external-secrets registryUrl=https://charts.external-secrets.io
EXTERNAL_SECRETS_CHART = "2.9.0"

CLUSTER_AUTOSCALER_TAGS = {
    # renovate: datasource=docker depName=registry.k8s.io/autoscaling/cluster-autoscaler versioning=regex:^v(?<compatibility>1\.35)\.(?<patch>\d+)$
    "1.35": "v1.35.2",
    # renovate: datasource=docker depName=registry.k8s.io/autoscaling/cluster-autoscaler versioning=regex:^v(?<compatibility>1\.36)\.(?<patch>\d+)$
    "1.36": "v1.36.1",
}
"""Kubernetes minor to the autoscaler of the same minor: it simulates that version's scheduler. Other charts name the image of their own version."""
