"""What is stored: what the stand-in knows of buckets, secrets and repositories."""

from __future__ import annotations

from tests.support.stand_in_gcp.kinds import AutoName, Call, Kind, Needs
from tests.support.stand_in_gcp.kinds_identity import BINDING, ROLE_REPLACED_BY

BUCKET = Needs(path="bucket", kind="Bucket", by="name", error="googleapi: Error 404: The specified bucket does not exist., notFound", anywhere=True)
SAID = "Google says it"
SENT_ZEROS = ("sendAgeIfZero", "sendDaysSinceCustomTimeIfZero", "sendDaysSinceNoncurrentTimeIfZero", "sendNumNewerVersionsIfZero")

KINDS = (
    Kind(
        token="gcp:storage/bucket:Bucket",
        calls=(
            Call(
                service="storage.v1",
                operation="buckets.insert",
                renames={
                    "lifecycleRules": "lifecycle.rule",
                    "uniformBucketLevelAccess": "iamConfiguration.uniformBucketLevelAccess.enabled",
                    "publicAccessPrevention": "iamConfiguration.publicAccessPrevention",
                    "requesterPays": "billing.requesterPays",
                    **{f"lifecycleRules.condition.{name}es": name for name in ("matchesPrefix", "matchesSuffix")},
                    "lifecycleRules.condition.matchesStorageClasses": "matchesStorageClass",
                },
            ),
        ),
        identity="{name}",
        place="location",
        name=AutoName(limit=222),
        replaced_by=("name", "location", "project", "enableObjectRetention", "customPlacementConfig.dataLocations", "hierarchicalNamespace"),
        defaults={"forceDestroy": False, "storageClass": "STANDARD"},
        unsent={
            "forceDestroy": "makes the provider delete objects first",
            "lifecycleRules.condition.withState": "becomes isLive",
            **{f"lifecycleRules.condition.{name}": "makes the provider send a zero" for name in SENT_ZEROS},
        },
        conflict=(
            "googleapi: Error 409: The requested bucket name is not available. The bucket namespace is shared by all users of the system. "
            "Please select a different name and try again., conflict"
        ),
        key_users={"encryption.defaultKmsKeyName": "gs-project-accounts"},
        words="bucket",
    ),
    Kind(
        token="gcp:storage/bucketIAMMember:BucketIAMMember",
        calls=(
            Call(
                service="storage.v1",
                operation="buckets.setIamPolicy",
                renames={name: path.removeprefix("policy.") for name, path in BINDING.items()},
            ),
        ),
        identity="b/{bucket}/{role}/{member}",
        everywhere=True,
        replaced_by=("bucket", *ROLE_REPLACED_BY),
        needs=(BUCKET,),
        words="role",
    ),
    Kind(
        token="gcp:storage/anywhereCache:AnywhereCache",
        calls=(Call(service="storage.v1", operation="anywhereCaches.insert"),),
        identity="{bucket}/{zone}",
        place="zone",
        replaced_by=("bucket", "zone"),
        defaults={"admissionPolicy": "admit-on-first-miss", "ttl": "86400s"},
        needs=(BUCKET,),
        conflict="googleapi: Error 409: The Anywhere Cache of zone {zone} already exists for the bucket., conflict",
        words="StorageAnywhereCache",
    ),
    Kind(
        token="gcp:secretmanager/secret:Secret",
        calls=(
            Call(
                service="secretmanager.v1",
                operation="projects.secrets.create",
                renames={
                    "replication.auto": "automatic",
                    "topics.name": "name",
                },
            ),
        ),
        identity="projects/{project}/secrets/{secretId}",
        everywhere=True,
        name=AutoName(property="secretId"),
        delete_first=True,
        replaced_by=("secretId", "project", "replication.auto", "replication.userManaged.replicas.location", "tags"),
        defaults={"deletionProtection": False},
        unsent={"deletionProtection": "is the provider's own: it refuses to delete"},
        conflict="googleapi: Error 409: Secret [{id}] already exists.",
        key_users={"replication.userManaged.replicas.customerManagedEncryption.kmsKeyName": "gcp-sa-secretmanager"},
        words="SecretManagerSecret",
    ),
    Kind(
        token="gcp:secretmanager/secretIamMember:SecretIamMember",
        calls=(Call(service="secretmanager.v1", operation="projects.secrets.setIamPolicy", renames=BINDING),),
        identity="projects/{project}/secrets/{secretId}/{role}/{member}",
        everywhere=True,
        replaced_by=("project", "secretId", *ROLE_REPLACED_BY),
        unsent={"secretId": "says where the call goes"},
        needs=(Needs(path="secretId", kind="Secret", by=("id", "secretId"), error="googleapi: Error 404: Secret [{}] not found.", anywhere=True),),
        words="role",
    ),
    Kind(
        token="gcp:artifactregistry/repository:Repository",
        calls=(
            Call(
                service="artifactregistry.v1",
                operation="projects.locations.repositories.create",
                renames={},
            ),
        ),
        identity="projects/{project}/locations/{location}/repositories/{repositoryId}",
        place="location",
        replaced_by=(
            *("format", "repositoryId", "kmsKeyName", "location", "mode", "project", "remoteRepositoryConfig.description"),
            *(f"remoteRepositoryConfig.{name}Repository" for name in ("apt", "common", "docker", "maven", "npm", "python", "yum")),
        ),
        defaults={"mode": "STANDARD_REPOSITORY"},
        unsent={
            "location": "says where the call goes",
            "vulnerabilityScanningConfig.enablementState": SAID,
            "vulnerabilityScanningConfig.enablementStateReason": SAID,
        },
        refused={"cleanupPolicies": "the fleet's repositories keep what they have"},
        conflict="googleapi: Error 409: the repository already exists",
        key_users={"kmsKeyName": "gcp-sa-artifactregistry"},
        words="ArtifactRegistryRepository",
    ),
    Kind(
        token="gcp:artifactregistry/repositoryIamMember:RepositoryIamMember",
        calls=(Call(service="artifactregistry.v1", operation="projects.locations.repositories.setIamPolicy", renames=BINDING),),
        identity="projects/{project}/locations/{location}/repositories/{repository}/{role}/{member}",
        place="location",
        replaced_by=("project", "location", "repository", *ROLE_REPLACED_BY),
        unsent={"repository": "says where the call goes", "location": "says where the call goes"},
        needs=(
            Needs(
                path="repository",
                kind="Repository",
                by=("id", "repositoryId"),
                error='googleapi: Error 404: Requested entity was not found. (repository "{}")',
            ),
        ),
        words="role",
    ),
)
