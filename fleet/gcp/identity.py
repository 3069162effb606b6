"""Who may do what in a Google region: the machines' own account, pods, and services of Google; and which services are switched on.

Pods are granted roles as themselves, by namespace and service account, and no account of Google's with keys stands between. To IAM, pods of
the same namespace and service account are one principal in every cluster of a project: two fleets in one project would hold each other's
roles. One project for each environment is the border.
"""

from __future__ import annotations

from fleet import naming
from fleet.gcp.inputs import PROJECT_NUMBER, RegionInputs
from fleet.gcp.plan import GrantPlan, IdentityPlan, ServiceAgentPlan
from fleet.gcp.secrets import secrets
from fleet.references import Reference
from fleet.secret_store import NAMESPACE as EXTERNAL_SECRETS

NODE_IDENTITY = "node_identity"
"""Name of the Reference to the machines' account."""

KEY_ROLE = "roles/cloudkms.cryptoKeyEncrypterDecrypter"

KEY_AGENTS = (
    ("compute", "compute-system", "Compute Engine: disks of machines and volumes"),
    ("container", "container-engine-robot", "Kubernetes Engine: what Kubernetes keeps"),
    ("storage", "gs-project-accounts", "Cloud Storage: the bucket"),
    ("secretmanager", "gcp-sa-secretmanager", "Secret Manager: secrets"),
    ("artifactregistry", "gcp-sa-artifactregistry", "Artifact Registry: images"),
    ("file", "cloud-filer", "Filestore: file systems"),
)
"""Services that work with the region's key in their own name, and where each one's account has its domain (Cloud Foundation Fabric,
modules/project/service-agents.yaml, July 2026)."""

MADE_AGENTS = ("secretmanager", "container", "artifactregistry", "file")
"""Services whose account can be asked for before anything uses them: those that Cloud Foundation Fabric (July 2026) makes this way as their
service's primary one. The first tells the project's number, so it is always there.

Compute Engine's account comes with its API. Cloud Storage's does not: it comes when somebody first asks for its name, for which there is no
resource (hashicorp/terraform-provider-google issue 9730). In a project whose buckets never had a key of their own, somebody must run `gcloud
storage service-agent --project=PROJECT` once, or the grant on the key is refused because the account does not exist."""

ALWAYS_ON = (
    "artifactregistry",
    "cloudkms",
    "cloudresourcemanager",
    "compute",
    "container",
    "dns",
    "iam",
    "iamcredentials",
    "logging",
    "monitoring",
    "secretmanager",
    "storage",
)
"""Services that every region uses. Roles on the project are given through Resource Manager, tokens of pods through IAM credentials; GKE's
machines write logs and metrics. Service Usage, through which all of them are switched on, must be on already."""


def identities(inputs: RegionInputs) -> tuple[IdentityPlan, ...]:
    """Everybody who gets a role. An identity that nobody would be is left out."""
    found = [_nodes(inputs), _model_server(inputs), _weights_mirror(inputs)]
    if secrets(inputs):
        found.append(_external_secrets(inputs))
    return (*found, *(_key_agent(*agent) for agent in KEY_AGENTS if agent[0] in _users(inputs)))


def service_agents(inputs: RegionInputs) -> tuple[ServiceAgentPlan, ...]:
    """Accounts of Google's services that are made before a role names them, the one that tells the project's number first."""
    return tuple(ServiceAgentPlan(key=key, service=f"{key}.googleapis.com") for key in MADE_AGENTS if key in _users(inputs))


def apis(inputs: RegionInputs) -> tuple[str, ...]:
    """Services to switch on, where that is not somebody else's work."""
    if not inputs.cluster.enable_apis:
        return ()
    return tuple(f"{name}.googleapis.com" for name in sorted({*ALWAYS_ON, *_users(inputs)}))


def _users(inputs: RegionInputs) -> frozenset[str]:
    """Services that work with the region's key."""
    unused = {"artifactregistry": not inputs.cluster.images.mirror, "file": not inputs.uses("shared")}
    return frozenset(key for key, _, _ in KEY_AGENTS if not unused.get(key))


def _nodes(inputs: RegionInputs) -> IdentityPlan:
    """What runs on machines itself: logs, metrics and images.

    The role is the least that GKE asks for (its documentation: configure node service accounts). Nothing narrower than the project takes it.
    """
    pull = (GrantPlan(key="images", role="roles/artifactregistry.reader", on="repository"),) if inputs.cluster.images.mirror else ()
    return IdentityPlan(
        key="nodes",
        description=f"Machines of {inputs.name}",
        member=Reference(NODE_IDENTITY, prefix="serviceAccount:"),
        account_id=naming.safe_name(inputs.owner, inputs.cluster_name, "nodes", limit=naming.GCP_SERVICE_ACCOUNT),
        grants=(GrantPlan(key="node", role="roles/container.defaultNodeServiceAccount", on="project"), *pull),
    )


def _model_server(inputs: RegionInputs) -> IdentityPlan:
    return _pods(
        inputs,
        "model-server",
        "Model servers: read weights",
        (inputs.namespace, "model-server"),
        GrantPlan(key="weights", role="roles/storage.objectViewer", on="bucket"),
    )


def _weights_mirror(inputs: RegionInputs) -> IdentityPlan:
    return _pods(
        inputs,
        "weights-mirror",
        "Mirror of weights: reads, writes and deletes them",
        (inputs.namespace, "weights-mirror"),
        GrantPlan(key="weights", role="roles/storage.objectUser", on="bucket"),
    )


def _external_secrets(inputs: RegionInputs) -> IdentityPlan:
    return _pods(
        inputs,
        "external-secrets",
        "External Secrets: reads the secrets of this cluster",
        (EXTERNAL_SECRETS, "external-secrets"),
        *(GrantPlan(key=secret.key, role="roles/secretmanager.secretAccessor", on="secret", resource=secret.key) for secret in secrets(inputs)),
    )


def _pods(inputs: RegionInputs, key: str, description: str, account: tuple[str, str], *grants: GrantPlan) -> IdentityPlan:
    namespace, service_account = account
    return IdentityPlan(
        key=key,
        description=description,
        member=inputs.principal(namespace, service_account),
        namespace=namespace,
        service_account=service_account,
        grants=grants,
    )


def _key_agent(key: str, domain: str, description: str) -> IdentityPlan:
    return IdentityPlan(
        key=f"agent-{key}",
        description=description,
        member=Reference(PROJECT_NUMBER, prefix="serviceAccount:service-", suffix=f"@{domain}.iam.gserviceaccount.com"),
        grants=(GrantPlan(key="key", role=KEY_ROLE, on="key"),),
    )
