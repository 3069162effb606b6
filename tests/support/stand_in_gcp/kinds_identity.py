"""Who may do what: what the stand-in knows of services, service accounts, keys and roles."""

from __future__ import annotations

from tests.support.stand_in_gcp.kinds import PLAIN, AutoName, Call, Kind, Needs

BINDING = {"role": "policy.bindings.role", "member": "policy.bindings.members", "condition": "policy.bindings.condition"}
"""Where one role of one member lies in what is sent: the provider reads the policy, adds it and writes it back."""

ROLE_REPLACED_BY = ("role", "member", "condition")
KEYS = "https://cloudkms.googleapis.com/v1"

KINDS = (
    Kind(
        token="gcp:projects/service:Service",
        calls=(Call(service="serviceusage.v1", operation="services.enable"),),
        identity="{project}/{service}",
        everywhere=True,
        replaced_by=("service", "project"),
        unsent={
            "service": "says where the call goes",
            "disableOnDestroy": "makes the provider switch it off at the end",
            "disableDependentServices": "is a member of DisableServiceRequest alone",
            "checkIfServiceHasUsageOnDestroy": "is a member of DisableServiceRequest alone",
        },
        words="service",
    ),
    Kind(
        token="gcp:projects/serviceIdentity:ServiceIdentity",
        calls=(Call(service="serviceusage.v1beta1", operation="services.generateServiceIdentity"),),
        identity="projects/{project}/services/{service}",
        everywhere=True,
        replaced_by=("service", "project"),
        unsent={"service": "says where the call goes"},
        words="service identity",
    ),
    Kind(
        token="gcp:projects/iAMMember:IAMMember",
        calls=(Call(service="cloudresourcemanager.v1", operation="projects.setIamPolicy", renames=BINDING),),
        identity="{project}/{role}/{member}",
        everywhere=True,
        replaced_by=("project", *ROLE_REPLACED_BY),
        delete_first=True,
        words="role",
    ),
    Kind(
        token="gcp:serviceaccount/account:Account",
        calls=(Call(service="iam.v1", operation="projects.serviceAccounts.create", within=("serviceAccount",)),),
        identity="projects/{project}/serviceAccounts/{account_email}",
        everywhere=True,
        name=AutoName(property="accountId", limit=30),
        replaced_by=("accountId", "project"),
        defaults={"disabled": False},
        unsent={
            "disabled": "makes the provider call DisableServiceAccount",
            "createIgnoreAlreadyExists": "is the provider's own",
        },
        refused={"createIgnoreAlreadyExists": "a service account that somebody else made is not the program's"},
        conflict="googleapi: Error 409: Service account {accountId} already exists within project {project}., alreadyExists",
        words="service account",
    ),
    Kind(
        token="gcp:kms/keyRing:KeyRing",
        calls=(Call(service="cloudkms.v1", operation="projects.locations.keyRings.create", renames={"name": "keyRingId"}),),
        identity="projects/{project}/locations/{location}/keyRings/{name}",
        place="location",
        name=PLAIN,
        replaced_by=("location", "name", "project"),
        unsent={"location": "says where the call goes"},
        conflict="googleapi: Error 409: KeyRing {id} already exists.",
        words="KMSKeyRing",
    ),
    Kind(
        token="gcp:kms/cryptoKey:CryptoKey",
        calls=(Call(service="cloudkms.v1", operation="projects.locations.keyRings.cryptoKeys.create", renames={"name": "cryptoKeyId"}),),
        identity="{keyRing}/cryptoKeys/{name}",
        place="keyRing",
        name=PLAIN,
        replaced_by=("keyRing", "name", "cryptoKeyBackend", "destroyScheduledDuration", "importOnly", "purpose", "versionTemplate.protectionLevel"),
        defaults={"purpose": "ENCRYPT_DECRYPT"},
        unsent={"keyRing": "says where the call goes"},
        needs=(Needs(path="keyRing", kind="KeyRing", error="googleapi: Error 404: KeyRing {} not found.", anywhere=True),),
        conflict="googleapi: Error 409: CryptoKey {id} already exists.",
        words="KMSCryptoKey",
    ),
    Kind(
        token="gcp:kms/cryptoKeyIAMMember:CryptoKeyIAMMember",
        calls=(Call(service="cloudkms.v1", operation="projects.locations.keyRings.cryptoKeys.setIamPolicy", renames=BINDING),),
        identity="{cryptoKeyId}/{role}/{member}",
        everywhere=True,
        replaced_by=("cryptoKeyId", *ROLE_REPLACED_BY),
        unsent={"cryptoKeyId": "says where the call goes"},
        needs=(Needs(path="cryptoKeyId", kind="CryptoKey", error="googleapi: Error 404: CryptoKey {} not found.", anywhere=True),),
        words="role",
    ),
)
