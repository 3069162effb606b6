"""Roles, keys, secrets and logs as calls of their services."""

from __future__ import annotations

import json

from tests.emulator.calls_network import listed, tags
from tests.support.replay import Inputs, Made, Region, Translation


def _role(region: Region, inputs: Inputs) -> Made:
    made = region.client("iam").create_role(
        RoleName=inputs["name"],
        Description=inputs["description"],
        AssumeRolePolicyDocument=inputs["assumeRolePolicy"],
        Tags=listed(inputs["tags"]),
    )["Role"]
    return {"id": made["RoleName"], "name": made["RoleName"], "arn": made["Arn"]}


def _read_role(region: Region, made: Made) -> Made:
    found = region.client("iam").get_role(RoleName=made["id"])["Role"]
    return {
        "name": found["RoleName"],
        "description": found["Description"],
        "assumeRolePolicy": json.dumps(found["AssumeRolePolicyDocument"]),
        "tags": tags(found),
    }


def _no_role(region: Region, made: Made, _: Inputs) -> None:
    region.client("iam").delete_role(RoleName=made["id"])


def _policy(region: Region, inputs: Inputs) -> Made:
    region.client("iam").put_role_policy(RoleName=inputs["role"], PolicyName=inputs["name"], PolicyDocument=inputs["policy"])
    return {"id": f"{inputs['role']}:{inputs['name']}", "role": inputs["role"], "name": inputs["name"]}


def _read_policy(region: Region, made: Made) -> Made:
    found = region.client("iam").get_role_policy(RoleName=made["role"], PolicyName=made["name"])
    return {"role": found["RoleName"], "name": found["PolicyName"], "policy": json.dumps(found["PolicyDocument"])}


def _no_policy(region: Region, made: Made, _: Inputs) -> None:
    region.client("iam").delete_role_policy(RoleName=made["role"], PolicyName=made["name"])


def _attachment(region: Region, inputs: Inputs) -> Made:
    region.client("iam").attach_role_policy(RoleName=inputs["role"], PolicyArn=inputs["policyArn"])
    return {"id": f"{inputs['role']}-{inputs['policyArn']}", "role": inputs["role"], "policy": inputs["policyArn"]}


def _read_attachment(region: Region, made: Made) -> Made:
    attached = region.client("iam").list_attached_role_policies(RoleName=made["role"])["AttachedPolicies"]
    (found,) = [each for each in attached if each["PolicyArn"] == made["policy"]]
    return {"role": made["role"], "policyArn": found["PolicyArn"]}


def _no_attachment(region: Region, made: Made, _: Inputs) -> None:
    region.client("iam").detach_role_policy(RoleName=made["role"], PolicyArn=made["policy"])


def _key(region: Region, inputs: Inputs) -> Made:
    kms = region.client("kms")
    marks = [{"TagKey": key, "TagValue": value} for key, value in inputs["tags"].items()]
    made = kms.create_key(Description=inputs["description"], Policy=inputs["policy"], Tags=marks)["KeyMetadata"]
    if inputs["enableKeyRotation"]:
        kms.enable_key_rotation(KeyId=made["KeyId"])
    return {"id": made["KeyId"], "arn": made["Arn"]}


def _read_key(region: Region, made: Made) -> Made:
    kms, key = region.client("kms"), made["id"]
    found = kms.describe_key(KeyId=key)["KeyMetadata"]
    if found["KeyState"] == "PendingDeletion":
        raise KeyError("a key is only ever scheduled for deletion")
    return {
        "description": found["Description"],
        "policy": kms.get_key_policy(KeyId=key, PolicyName="default")["Policy"],
        "enableKeyRotation": kms.get_key_rotation_status(KeyId=key)["KeyRotationEnabled"],
        "tags": {tag["TagKey"]: tag["TagValue"] for tag in kms.list_resource_tags(KeyId=key)["Tags"]},
    }


def _no_key(region: Region, made: Made, inputs: Inputs) -> None:
    region.client("kms").schedule_key_deletion(KeyId=made["id"], PendingWindowInDays=inputs["deletionWindowInDays"])


def _alias(region: Region, inputs: Inputs) -> Made:
    region.client("kms").create_alias(AliasName=inputs["name"], TargetKeyId=inputs["targetKeyId"])
    return {"id": inputs["name"], "name": inputs["name"]}


def _read_alias(region: Region, made: Made) -> Made:
    pages = region.client("kms").get_paginator("list_aliases").paginate()
    found = {alias["AliasName"]: alias for page in pages for alias in page["Aliases"]}[made["id"]]
    return {"name": found["AliasName"], "targetKeyId": found["TargetKeyId"]}


def _no_alias(region: Region, made: Made, _: Inputs) -> None:
    region.client("kms").delete_alias(AliasName=made["id"])


def _secret(region: Region, inputs: Inputs) -> Made:
    copies = [{"Region": replica["region"]} for replica in inputs.get("replicas", [])]
    optional = {"KmsKeyId": inputs.get("kmsKeyId"), "AddReplicaRegions": copies}
    made = region.client("secretsmanager").create_secret(
        Name=inputs["name"],
        Description=inputs["description"],
        Tags=listed(inputs["tags"]),
        **{name: value for name, value in optional.items() if value},
    )
    return {"id": made["ARN"], "arn": made["ARN"], "name": made["Name"]}


def _read_secret(region: Region, made: Made) -> Made:
    found = region.client("secretsmanager").describe_secret(SecretId=made["id"])
    if "DeletedDate" in found:
        raise KeyError("it waits to be deleted")
    return {
        "name": found["Name"],
        "description": found["Description"],
        "kmsKeyId": found.get("KmsKeyId"),
        "replicas": [{"region": copy["Region"]} for copy in found.get("ReplicationStatus", [])],
        "tags": tags(found),
    }


def _no_secret(region: Region, made: Made, inputs: Inputs) -> None:
    """A secret with copies is deleted after them, as the provider does it."""
    secrets, days = region.client("secretsmanager"), inputs["recoveryWindowInDays"]
    copies = [replica["region"] for replica in inputs.get("replicas", [])]
    if copies:
        secrets.remove_regions_from_replication(SecretId=made["id"], RemoveReplicaRegions=copies)
    window = {"RecoveryWindowInDays": days} if days else {"ForceDeleteWithoutRecovery": True}
    secrets.delete_secret(SecretId=made["id"], **window)


def _logs(region: Region, inputs: Inputs) -> Made:
    logs = region.client("logs")
    logs.create_log_group(logGroupName=inputs["name"], kmsKeyId=inputs["kmsKeyId"], tags=inputs["tags"])
    logs.put_retention_policy(logGroupName=inputs["name"], retentionInDays=inputs["retentionInDays"])
    arn = f"arn:aws:logs:{region.name}:{region.client('sts').get_caller_identity()['Account']}:log-group:{inputs['name']}"
    return {"id": inputs["name"], "name": inputs["name"], "arn": arn}


def _read_logs(region: Region, made: Made) -> Made:
    logs = region.client("logs")
    found = {group["logGroupName"]: group for group in logs.describe_log_groups(logGroupNamePrefix=made["id"])["logGroups"]}[made["id"]]
    assert found["arn"] == f"{made['arn']}:*", "the provider names a group without what stands for its streams"
    return {
        "name": found["logGroupName"],
        "kmsKeyId": found["kmsKeyId"],
        "retentionInDays": found["retentionInDays"],
        "tags": logs.list_tags_for_resource(resourceArn=made["arn"])["tags"],
    }


def _no_logs(region: Region, made: Made, _: Inputs) -> None:
    region.client("logs").delete_log_group(logGroupName=made["id"])


BEGINS = "it begins the name and is no member of a call"
_LATER = "AWS is told when it is deleted"

TRANSLATIONS = {
    "aws:iam/role:Role": Translation(
        create=_role, read=_read_role, delete=_no_role, name="name", prefix="namePrefix", tagged=True, everywhere=True, lost={"namePrefix": BEGINS}
    ),
    "aws:iam/rolePolicy:RolePolicy": Translation(create=_policy, read=_read_policy, delete=_no_policy, name="name", everywhere=True),
    "aws:iam/rolePolicyAttachment:RolePolicyAttachment": Translation(
        create=_attachment, read=_read_attachment, delete=_no_attachment, everywhere=True
    ),
    "aws:kms/key:Key": Translation(create=_key, read=_read_key, delete=_no_key, tagged=True, lost={"deletionWindowInDays": _LATER}),
    "aws:kms/alias:Alias": Translation(create=_alias, read=_read_alias, delete=_no_alias),
    "aws:secretsmanager/secret:Secret": Translation(
        create=_secret, read=_read_secret, delete=_no_secret, name="name", tagged=True, lost={"recoveryWindowInDays": _LATER}
    ),
    "aws:cloudwatch/logGroup:LogGroup": Translation(create=_logs, read=_read_logs, delete=_no_logs, tagged=True),
}
