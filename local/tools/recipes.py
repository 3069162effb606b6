"""What each tool is built from. Versions of modules are in the go.mod beside this file; go.sum holds their checksums."""

from __future__ import annotations

from dataclasses import dataclass

# renovate: datasource=go depName=github.com/pulumi/pulumi/pkg/v3
PULUMI = "3.259.0"
# renovate: datasource=go depName=k8s.io/kubernetes
KUBERNETES = "1.36.4"
PULUMI_KUBERNETES = "4.25.0"
"""The version of the Python SDK this provider commit belongs to; pinned together in requirements.txt."""


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """One Go module and the binaries built from it.

    `binaries` maps a binary to its package; `alternative` says what a user without Go can install instead. How long a
    build takes is in the ledger.
    """

    module: str
    binaries: dict[str, str]
    linker_flags: str
    tags: str = ""
    minimum: tuple[int, ...] = ()
    """Lowest version of a binary on PATH that is used instead, within its major version."""
    plugin: str = ""
    """Folder among the engine's plugins whose binary is used instead: exactly this version, none other."""
    ours: bool = False
    """Its sources are ours, or it goes into an image: never looked for on PATH."""
    alternative: str


def _kubernetes_flags() -> str:
    stamps = {
        "gitVersion": f"v{KUBERNETES}",
        "gitMajor": KUBERNETES.split(".", maxsplit=1)[0],
        "gitMinor": KUBERNETES.split(".")[1],
        "gitTreeState": "clean",
        "gitCommit": "unknown",
        "buildDate": "1970-01-01T00:00:00Z",
    }
    packages = ("k8s.io/component-base/version", "k8s.io/client-go/pkg/version")
    return " ".join(["-s -w", *(f"-X {package}.{key}={value}" for package in packages for key, value in stamps.items())])


_PROVIDER_STAMP = "github.com/pulumi/pulumi-kubernetes/provider/v4/pkg/version.Version"

CONTROL_PLANE = ("etcd", "kube-apiserver", "kube-controller-manager", "kube-scheduler", "kwok")
ENGINE = ("pulumi", "pulumi-resource-kubernetes")
REAL_NODES = (
    *("containerd", "containerd-shim-runc-v2", "ctr", "fleet-kubelet", "kube-proxy", "device-plugin"),
    *("coredns", "llm-d-inference-sim", "vllm-simulator", "fleet-client", "pause"),
)
"""What real nodes and their images need beside the control plane."""

RECIPES: tuple[Recipe, ...] = (
    Recipe(
        module="etcd",
        binaries={"etcd": "go.etcd.io/etcd/server/v3"},
        linker_flags="-s -w",
        minimum=(3, 6),  # what the tests run, patches aside
        alternative="etcd 3.6 or newer",
    ),
    Recipe(
        module="kubernetes",
        binaries={name: f"k8s.io/kubernetes/cmd/{name}" for name in ("kube-apiserver", "kube-controller-manager", "kube-scheduler")},
        linker_flags=_kubernetes_flags(),
        minimum=(1, 34),  # upstream mends three minor versions: 1.36 and the two before
        alternative="the three Kubernetes binaries, 1.34 or newer, of one version",
    ),
    Recipe(
        module="kwok",
        binaries={"kwok": "sigs.k8s.io/kwok/cmd/kwok"},
        linker_flags="-s -w",
        minimum=(0, 8),  # what the tests run, patches aside
        alternative="KWOK 0.8 or newer",
    ),
    Recipe(
        module="pulumi",
        binaries={"pulumi": "github.com/pulumi/pulumi/pkg/v3/cmd/pulumi"},
        linker_flags=f"-s -w -X github.com/pulumi/pulumi/sdk/v3/go/common/version.Version=v{PULUMI}",
        tags="osusergo,grpcnotrace",
        minimum=(3, 259),  # not older than the SDK of requirements.txt
        alternative=f"Pulumi {PULUMI} or newer",
    ),
    Recipe(
        module="pulumi-kubernetes",
        binaries={"pulumi-resource-kubernetes": "."},
        linker_flags=f"-s -w -X main.version={PULUMI_KUBERNETES} -X {_PROVIDER_STAMP}={PULUMI_KUBERNETES}",
        plugin=f"resource-kubernetes-v{PULUMI_KUBERNETES}",
        alternative=f"run: pulumi plugin install resource kubernetes {PULUMI_KUBERNETES}",
    ),
    Recipe(
        module="containerd",
        binaries={name: f"github.com/containerd/containerd/v2/cmd/{name}" for name in ("containerd", "containerd-shim-runc-v2", "ctr")},
        linker_flags="-s -w",
        tags="no_btrfs,no_devmapper,no_zfs",
        minimum=(2, 4),  # what the tests run, patches aside
        alternative="containerd 2.4 or newer",
    ),
    Recipe(
        module="node",
        binaries={"fleet-kubelet": "./kubelet", "kube-proxy": "k8s.io/kubernetes/cmd/kube-proxy", "device-plugin": "./device_plugin"},
        linker_flags=_kubernetes_flags(),
        ours=True,
        alternative="nothing else serves",
    ),
    Recipe(module="coredns", binaries={"coredns": "."}, linker_flags="-s -w", ours=True, alternative="nothing else serves"),
    Recipe(
        module="simulator",
        binaries={"llm-d-inference-sim": "github.com/llm-d/llm-d-inference-sim/cmd/llm-d-inference-sim"},
        linker_flags="-s -w",
        ours=True,
        alternative="nothing else serves",
    ),
    Recipe(
        module="engine",
        binaries={"vllm-simulator": "./serve", "fleet-client": "./client", "pause": "./pause"},
        linker_flags="-s -w",
        ours=True,
        alternative="nothing else serves",
    ),
)
