"""How the Kubernetes provider logs in: by a command that asks AWS for a token each time. No token is ever in the state."""

from __future__ import annotations

import pulumi
from pulumi_aws import eks

from components.aws.provider import COMMAND


def kubeconfig(name: str, region: str, cluster: eks.Cluster) -> pulumi.Output[str]:
    """A kubeconfig of one cluster as JSON.

    The command runs with the credentials of whoever runs this program, like the AWS provider.
    """
    login = {
        "apiVersion": "client.authentication.k8s.io/v1beta1",
        "command": COMMAND,
        "args": ["--region", region, "eks", "get-token", "--cluster-name", name, "--output", "json"],
        "interactiveMode": "Never",
        "provideClusterInfo": False,
    }
    reached = {"server": cluster.endpoint, "certificate-authority-data": cluster.certificate_authority.data}
    return pulumi.Output.json_dumps(
        {
            "apiVersion": "v1",
            "kind": "Config",
            "current-context": name,
            "clusters": [{"name": name, "cluster": reached}],
            "contexts": [{"name": name, "context": {"cluster": name, "user": name}}],
            "users": [{"name": name, "user": {"exec": login}}],
        }
    )
