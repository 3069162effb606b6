"""The program to compare with: as many resources in the same clusters, each written out, nothing decided and nothing grouped."""

from __future__ import annotations

from importlib import import_module

import pulumi
import pulumi_kubernetes as kubernetes

settings = pulumi.Config("vllm-fleet").require_object("fleet")
providers = {
    name: kubernetes.Provider(f"{name}-kubernetes", kubeconfig=cluster["kubeconfig"], context=cluster["context"], enable_server_side_apply=True)
    for name, cluster in settings["clusters"].items()
}
for entry in settings["objects"]:
    module, kind = entry["type"].removeprefix("kubernetes:").split(":")
    group, _, version = module.partition("/")
    resource = getattr(import_module(f"pulumi_kubernetes.{group.split('.')[0]}.{version}"), kind)
    resource(entry["name"], opts=pulumi.ResourceOptions(provider=providers[entry["cluster"]]), **entry["inputs"])
