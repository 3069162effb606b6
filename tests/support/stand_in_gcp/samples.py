"""Right inputs of every type, and a region that is made of them without an engine."""

from __future__ import annotations

from typing import Any

from tests.support.stand_in_cloud import names, operations
from tests.support.stand_in_gcp.catalogue import KINDS
from tests.support.stand_in_gcp.cloud import Gcp
from tests.support.stand_in_gcp.kinds import Kind
from tests.support.stand_in_gcp.projects import Projects, number_of

PROJECT, REGION = "acme-test", "us-central1"
CONFIGURATION = {"project": PROJECT, "region": REGION, "addPulumiAttributionLabel": "false"}
BY_TITLE: dict[str, Kind] = {kind.title: kind for kind in KINDS.values()}
NETWORK = f"projects/{PROJECT}/global/networks/sample"
SUBNETWORK = f"projects/{PROJECT}/regions/{REGION}/subnetworks/sample"
RING = f"projects/{PROJECT}/locations/{REGION}/keyRings/sample"
KEY = f"{RING}/cryptoKeys/sample"
CLUSTER = f"projects/{PROJECT}/locations/{REGION}/clusters/acme-test-us"
KEY_ROLE = "roles/cloudkms.cryptoKeyEncrypterDecrypter"


def agent(domain: str) -> str:
    """A service of Google, as IAM calls it."""
    return f"serviceAccount:service-{number_of(PROJECT)}@{domain}.iam.gserviceaccount.com"


def pod(namespace: str, account: str, number: str = number_of(PROJECT)) -> str:
    """A Kubernetes service account, as IAM calls it."""
    pool = f"projects/{number}/locations/global/workloadIdentityPools/{PROJECT}.svc.id.goog"
    return f"principal://iam.googleapis.com/{pool}/subject/ns/{namespace}/sa/{account}"


MACHINES = {
    "machineType": "g2-standard-8",
    "imageType": "COS_CONTAINERD",
    "guestAccelerators": [{"type": "nvidia-l4", "count": 1, "gpuDriverInstallationConfig": {"gpuDriverVersion": "LATEST"}}],
    "bootDisk": {"diskType": "pd-balanced", "sizeGb": 200},
    "spot": False,
    "serviceAccount": "default",
    "oauthScopes": ["https://www.googleapis.com/auth/cloud-platform"],
    "metadata": {"disable-legacy-endpoints": "true"},
    "workloadMetadataConfig": {"mode": "GKE_METADATA"},
    "shieldedInstanceConfig": {"enableSecureBoot": True, "enableIntegrityMonitoring": True},
    "gcfsConfig": {"enabled": True},
    "gvnic": {"enabled": True},
    "labels": {"vllm.pool": "l4"},
    "taints": [{"key": "workload", "value": "inference", "effect": "NO_SCHEDULE"}],
    "resourceLabels": {"team": "one"},
    "reservationAffinity": {"consumeReservationType": "NO_RESERVATION"},
}

RIGHT: dict[str, dict[str, Any]] = {
    "Network": {"autoCreateSubnetworks": False, "routingMode": "REGIONAL"},
    "Subnetwork": {
        "network": NETWORK,
        "ipCidrRange": "10.64.0.0/20",
        "secondaryIpRanges": [{"rangeName": "pods", "ipCidrRange": "10.64.64.0/18"}, {"rangeName": "services", "ipCidrRange": "10.64.16.0/20"}],
        "privateIpGoogleAccess": True,
        "logConfig": {"metadata": "INCLUDE_ALL_METADATA"},
    },
    "Router": {"network": NETWORK},
    "RouterNat": {
        "router": "sample",
        "natIpAllocateOption": "AUTO_ONLY",
        "sourceSubnetworkIpRangesToNat": "ALL_SUBNETWORKS_ALL_IP_RANGES",
        "enableDynamicPortAllocation": True,
        "minPortsPerVm": 64,
        "logConfig": {"enable": True, "filter": "ERRORS_ONLY"},
    },
    "Firewall": {
        "network": NETWORK,
        "direction": "INGRESS",
        "sourceRanges": ["35.191.0.0/16"],
        "targetTags": ["nodes"],
        "allows": [{"protocol": "tcp"}],
    },
    "ManagedZone": {
        "dnsName": "googleapis.com.",
        "visibility": "private",
        "privateVisibilityConfig": {"networks": [{"networkUrl": NETWORK}]},
    },
    "RecordSet": {"managedZone": "sample", "name": "private.googleapis.com.", "type": "A", "ttl": 300, "rrdatas": ["199.36.153.8"]},
    "Cluster": {
        "name": "acme-test-us",
        "location": REGION,
        "nodeLocations": [f"{REGION}-a", f"{REGION}-b"],
        "network": NETWORK,
        "subnetwork": SUBNETWORK,
        "networkingMode": "VPC_NATIVE",
        "datapathProvider": "ADVANCED_DATAPATH",
        "ipAllocationPolicy": {"clusterSecondaryRangeName": "pods", "servicesSecondaryRangeName": "services"},
        "defaultMaxPodsPerNode": 110,
        "privateClusterConfig": {"enablePrivateNodes": True},
        "controlPlaneEndpointsConfig": {"dnsEndpointConfig": {"allowExternalTraffic": True}, "ipEndpointsConfig": {"enabled": False}},
        "releaseChannel": {"channel": "REGULAR"},
        "maintenancePolicy": {
            "recurringWindow": {"startTime": "2026-01-03T02:00:00Z", "endTime": "2026-01-03T08:00:00Z", "recurrence": "FREQ=WEEKLY;BYDAY=SA,SU"}
        },
        "workloadIdentityConfig": {"workloadPool": f"{PROJECT}.svc.id.goog"},
        "databaseEncryption": {"state": "ENCRYPTED", "keyName": KEY},
        "addonsConfig": {"gcsFuseCsiDriverConfig": {"enabled": True}},
        "clusterAutoscaling": {"enabled": False, "autoscalingProfile": "BALANCED"},
        "loggingConfig": {"enableComponents": ["SYSTEM_COMPONENTS", "WORKLOADS"]},
        "monitoringConfig": {"enableComponents": ["SYSTEM_COMPONENTS"], "managedPrometheus": {"enabled": False}},
        "removeDefaultNodePool": True,
        "initialNodeCount": 1,
        "deletionProtection": False,
    },
    "NodePool": {
        "name": "l4-od-0123456",
        "cluster": CLUSTER,
        "location": REGION,
        "nodeLocations": [f"{REGION}-a", f"{REGION}-b"],
        "initialNodeCount": 0,
        "autoscaling": {"totalMinNodeCount": 0, "totalMaxNodeCount": 4, "locationPolicy": "ANY"},
        "management": {"autoRepair": True, "autoUpgrade": True},
        "upgradeSettings": {"strategy": "SURGE", "maxSurge": 0, "maxUnavailable": 1},
        "networkConfig": {"enablePrivateNodes": True},
        "maxPodsPerNode": 32,
        "nodeConfig": MACHINES,
    },
    "KeyRing": {"location": REGION},
    "CryptoKey": {"keyRing": RING, "purpose": "ENCRYPT_DECRYPT", "rotationPeriod": "7776000s", "destroyScheduledDuration": "2592000s"},
    "CryptoKeyIAMMember": {"cryptoKeyId": KEY, "role": KEY_ROLE, "member": agent("compute-system")},
    "Bucket": {
        "location": REGION,
        "uniformBucketLevelAccess": True,
        "publicAccessPrevention": "enforced",
        "versioning": {"enabled": True},
        "softDeletePolicy": {"retentionDurationSeconds": 604800},
        "encryption": {"defaultKmsKeyName": KEY},
        "lifecycleRules": [
            {"action": {"type": "Delete"}, "condition": {"daysSinceNoncurrentTime": 7, "withState": "ARCHIVED"}},
            {"action": {"type": "AbortIncompleteMultipartUpload"}, "condition": {"age": 2}},
        ],
    },
    "BucketIAMMember": {"bucket": "sample", "role": "roles/storage.objectViewer", "member": pod("vllm", "model-server")},
    "AnywhereCache": {"bucket": "sample", "zone": f"{REGION}-a"},
    "Secret": {
        "secretId": "acme-test-us-hub",
        "replication": {"userManaged": {"replicas": [{"location": REGION, "customerManagedEncryption": {"kmsKeyName": KEY}}]}},
        "versionDestroyTtl": "604800s",
    },
    "SecretIamMember": {
        "secretId": "acme-test-us-hub",
        "role": "roles/secretmanager.secretAccessor",
        "member": pod("external-secrets", "external-secrets"),
    },
    "Repository": {
        "repositoryId": "acme-docker",
        "location": REGION,
        "format": "DOCKER",
        "mode": "REMOTE_REPOSITORY",
        "remoteRepositoryConfig": {"dockerRepository": {"publicRepository": "DOCKER_HUB"}},
        "kmsKeyName": KEY,
    },
    "RepositoryIamMember": {
        "repository": "acme-docker",
        "location": REGION,
        "role": "roles/artifactregistry.reader",
        "member": f"serviceAccount:nodes@{PROJECT}.iam.gserviceaccount.com",
    },
    "Account": {"accountId": "acme-test-us-nodes", "displayName": "nodes"},
    "Service": {"service": "compute.googleapis.com", "disableOnDestroy": False},
    "ServiceIdentity": {"service": "secretmanager.googleapis.com"},
    "IAMMember": {"project": PROJECT, "role": "roles/container.defaultNodeServiceAccount", "member": pod("vllm", "model-server")},
}


def inputs_of(title: str, called: str = "sample", /, **change: Any) -> dict[str, Any]:
    """Right inputs with a change (None takes one away), as the bridge fills them in."""
    given = {key: value for key, value in {**RIGHT[title], **change}.items() if value is not None}
    return names.filled(BY_TITLE[title], called, b"seed", {}, given)[0]


def machines(**change: Any) -> dict[str, Any]:
    """A node pool's machines with a change (None takes one away)."""
    return {"nodeConfig": {key: value for key, value in {**MACHINES, **change}.items() if value is not None}}


class Region:
    """A region that grows one resource at a time, without an engine. What would be refused before a call is refused here too."""

    def __init__(self) -> None:
        self.projects = Projects()
        self._cloud = Gcp(self.projects, {})

    def make(self, title: str, called: str = "sample", /, **inputs: Any) -> str:
        """The id of a new resource.

        Raises:
            operations.Refused: Google does not make it.
        """
        kind, whole = BY_TITLE[title], inputs_of(title, called, **inputs)
        found = self._cloud.faults(kind, whole, CONFIGURATION)
        assert not found, f"{title} is judged right before it is made: {found}"
        return operations.create(self._cloud, kind, whole, CONFIGURATION)[0][2]

    def state(self, title: str, identity: str) -> dict[str, Any]:
        """What is stored."""
        return next(state for key, state in self.projects.objects.items() if key[1:] == (title, identity))

    def delete(self, title: str, identity: str) -> None:
        """Take it away.

        Raises:
            operations.Refused: Google or its provider keeps it.
        """
        operations.delete(self._cloud, next(key for key in self.projects.objects if key[1:] == (title, identity)))

    def update(self, title: str, identity: str, /, **inputs: Any) -> dict[str, Any]:
        """The state after a change of some inputs.

        Raises:
            operations.Refused: Google does not take it.
        """
        new = {**self.state(title, identity), **inputs}
        return operations.update(self._cloud, BY_TITLE[title], identity, new, CONFIGURATION)[1]

    def key(self, *agents: str) -> str:
        """Id of a key that these agents work with."""
        ring = self.make("KeyRing", name="sample")
        key = self.make("CryptoKey", name="sample", keyRing=ring)
        for domain in agents:
            self.make("CryptoKeyIAMMember", domain, cryptoKeyId=key, member=agent(domain))
        return key

    def network(self) -> tuple[str, str]:
        """Ids of a network and of its subnetwork."""
        network = self.make("Network", name="sample")
        return network, self.make("Subnetwork", name="sample", network=network)

    def cluster(self) -> str:
        """Id of a cluster without nodes, with everything that it needs."""
        self.network()
        self.key("container-engine-robot", "compute-system")
        return self.make("Cluster")
