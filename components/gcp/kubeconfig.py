"""How the Kubernetes provider logs in: by a command that asks Google for a token each time. No token is ever in the state."""

from __future__ import annotations

import pulumi
from pulumi_gcp import container

from components.gcp.provider import COMMAND


def kubeconfig(name: str, cluster: container.Cluster) -> pulumi.Output[str]:
    """A kubeconfig of one cluster as JSON.

    The API server is reached by the name that Google gives it, under a certificate that everybody trusts. The command runs with the
    application default credentials of whoever runs this program, like the Google provider.
    """
    login = {
        "apiVersion": "client.authentication.k8s.io/v1beta1",
        "command": COMMAND,
        "args": ["--use_application_default_credentials"],
        "interactiveMode": "Never",
        "provideClusterInfo": True,
    }
    endpoint = cluster.control_plane_endpoints_config.dns_endpoint_config.endpoint
    return pulumi.Output.json_dumps(
        {
            "apiVersion": "v1",
            "kind": "Config",
            "current-context": name,
            "clusters": [{"name": name, "cluster": {"server": pulumi.Output.concat("https://", endpoint)}}],
            "contexts": [{"name": name, "context": {"cluster": name, "user": name}}],
            "users": [{"name": name, "user": {"exec": login}}],
        }
    )
