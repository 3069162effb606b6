"""What clouds do not have in common, each with the reason: a difference that is not here is owed, and a line that is no longer true too."""

from __future__ import annotations

from collections.abc import Mapping

MAKES_NOTHING: Mapping[str, str] = {
    "existing": "its clusters were made by somebody else: a kubeconfig and a context are all there is, and nothing around them is ours",
}
"""Clouds without a layer of their own: only what `stacks` calls is asked of them."""

Differences = Mapping[str, Mapping[str, str]]
"""Cloud to thing to reason."""

EXTRA: Differences = {
    "aws": {
        "components/storage.py class FileSystem": "EFS is one file system for all caches, made here; Filestore's driver makes one for each",
        "components/storage.py class Replication": "S3 copies into other regions' buckets; on Google each region's mirror asks the hub itself",
        "components/identity.py function administrators": "EKS keeps a list of who gets in; on Google the project's roles decide",
        "fleet/launch.py": "EC2 machines start from launch templates; GKE's node pools have none",
        "fleet/policy.py": "IAM of AWS is documents of statements; on Google it is single roles on single things",
        "fleet/spot.py": "a spot group of EKS draws from several machine types; a node pool of GKE has one",
        "region bucket_statements": "the bucket has a policy of its own; on Google roles are given on it",
        "region file_system_statements": "the file system has a policy of its own; Filestore has none",
        "region key_statements": "the key has a policy of its own; on Google roles are given on it",
        "region file_system": "see FileSystem",
        "region managed": "EKS installs drivers as add-ons with versions and roles; GKE switches its own on with the cluster",
        "region node_groups": "EKS's word for what GKE calls a node pool",
        "region roles": "pods take on a role of AWS; on Google they are themselves known to it, see identities",
        "settings account": "a check that the credentials are of the right account; on Google the project says where everything is",
        "settings admins": "see administrators",
        "settings deployer": "see administrators",
        "settings endpoint": "EKS lets in address ranges; GKE's DNS endpoint lets in identities, wherever they are",
        "settings kubernetes_version": "EKS stays at a version until told; GKE follows a release channel",
        "settings node_image": "two operating systems with NVIDIA's driver; GKE has one and installs the driver on it",
        "settings replicate_weights_to": "see Replication",
    },
    "gcp": {
        "fleet/compute_classes.py": "the order of rungs is GKE's to keep; on AWS it is the priority expander of a chart",
        "fleet/disks.py": "which kinds of disk a machine takes differs between Google's machine families; every EC2 machine here takes gp3",
        "fleet/filestore.py": "tiers with least sizes and steps of their own; EFS has neither",
        "fleet/maintenance.py": "Google upgrades by itself, in a window",
        "fleet/storage_classes.py": "disks by machine family, and Hyperdisk ML; on AWS they are one class beside the bucket",
        "region apis": "services of Google have to be switched on in a project",
        "region identities": "see roles",
        "region key": "rotation and waiting times of the key; the same on AWS are constants of its component",
        "region node_pools": "see node_groups",
        "region service_agents": "Google's services act under identities that must exist before they get the key",
        "settings anywhere_cache": "a cache in front of a bucket, which S3 has not",
        "settings compute_classes": "see compute_classes.py",
        "settings enable_apis": "see apis",
        "settings filestore": "see filestore.py",
        "settings gpu_driver": "GKE installs the driver; on AWS it is in the machine's image",
        "settings maintenance": "see maintenance.py",
        "settings project": "everything of Google's is in a project; on AWS the credentials say which account",
        "settings release_channel": "see kubernetes_version",
    },
}
"""What one cloud has and not every cloud must."""

MISSING: Differences = {
    "gcp": {
        "neutral fleet/checks.py": "what it asks of AWS alone is that somebody can reach the API server: see endpoint",
        "neutral fleet/network.py": "Services of EKS have addresses of their own beside the network's; on Google they are part of it",
        "neutral fleet/risks.py": "what it asks of AWS alone is whether an endpoint is open to the whole world: see endpoint",
    },
}
"""What every cloud must have and this one has not."""
