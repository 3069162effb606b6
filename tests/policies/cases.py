"""What roles of a region may do and may not, as an attacker would ask. Evaluated by test_requests.py."""

from __future__ import annotations

from functools import partial

from tests.support.iam_documents import API_KEY, BUCKET, FILES, KEY, OTHER_BUCKET, OTHER_KEY, SECRET, VPC, full, role_documents
from tests.support.iam_requests import OTHER_WEIGHTS, Request, arn, pod, via

NAME = full().name
WEIGHTS, ELSEWHERE = f"{BUCKET}/weights/model.safetensors", f"{BUCKET}/notes.txt"
GROUP = arn("autoscaling", "autoScalingGroup:0f1e2d3c:autoScalingGroupName/eks-l4-od-20261125-0f1e2d3c")
PEER_GROUP = arn("autoscaling", "autoScalingGroup:1a2b3c4d:autoScalingGroupName/web-servers")
INTERFACE, SUBNET, INSTANCE = arn("ec2", "network-interface/eni-0a1b"), arn("ec2", "subnet/subnet-0a1b"), arn("ec2", "instance/i-0a1b")
VOLUME = arn("ec2", "volume/vol-0a1b")
ENTRY = arn("elasticfilesystem", "access-point/fsap-0a1b")
TARGETS = arn("elasticloadbalancing", "targetgroup/acme/0a1b2c3d4e5f6071")
REPOSITORY = arn("ecr", "repository/acme-prod-us/vllm/vllm-openai")
LOGS = arn("logs", f"log-group:/aws/vpc/{NAME}/flows:log-stream:eni-0a1b-all")
OURS = {"aws:ResourceTag/fleet": "acme", "aws:ResourceTag/environment": "prod", "aws:ResourceTag/cluster": "us"}
HERE = {"ec2:Vpc": arn("ec2", f"vpc/{VPC}")}
THERE = {"ec2:Vpc": arn("ec2", "vpc/vpc-0ffffffffffffffff")}
OWNED = {f"aws:ResourceTag/k8s.io/cluster-autoscaler/{NAME}": "owned"}
SESSION = {"aws:PrincipalTag/eks-cluster-name": NAME}
OWN_VOLUME, PEER_VOLUME = {"ec2:ResourceTag/ebs.csi.aws.com/cluster-name": NAME}, {"ec2:ResourceTag/ebs.csi.aws.com/cluster-name": "other"}
MAKES_LOGS = {"kms:EncryptionContext:aws:logs:arn": arn("logs", f"log-group:/aws/eks/{NAME}/cluster")}
FLOWS_SOURCE = {"aws:SourceAccount": "111122223333", "aws:SourceArn": arn("ec2", "vpc-flow-log/fl-0a1b")}
GRANT = {"kms:GrantIsForAWSResource": "true"}


def _request(who: str, action: str, resource: str, because: str, *, allowed: bool, **context: dict[str, str]) -> Request:
    merged = {key: value for part in context.values() for key, value in part.items()}
    return Request(who=who, action=action, resource=resource, allowed=allowed, because=because, context=merged)


may, cannot = partial(_request, allowed=True), partial(_request, allowed=False)


def role(key: str) -> str:
    """ARN of a role of the region."""
    return role_documents()[key].arn


WEIGHTS_CASES = (
    may("model-server", "s3:GetObject", WEIGHTS, "it serves them"),
    may("model-server", "s3:ListBucket", BUCKET, "the driver lists what it mounts", where={"s3:prefix": "weights/llama/"}),
    may("model-server", "kms:Decrypt", KEY, "S3 opens objects in its name", how=via("s3")),
    cannot("model-server", "s3:GetObject", ELSEWHERE, "it serves weights alone"),
    may("model-server", "s3:ListBucket", BUCKET, "S3 then says of a missing file that it is missing, and not that it is denied"),
    cannot("model-server", "s3:PutObject", WEIGHTS, "a server that was broken into must not change what others load"),
    cannot("model-server", "s3:DeleteObject", WEIGHTS, "nor delete it"),
    cannot("model-server", "s3:GetObject", WEIGHTS, "a stranger who made a bucket of that name serves nothing", owner={"aws:ResourceAccount": "4"}),
    cannot("model-server", "s3:GetObject", WEIGHTS, "nothing travels in the clear", how={"aws:SecureTransport": "false"}),
    cannot("model-server", "s3:GetObject", OTHER_WEIGHTS, "each region reads its own bucket"),
    cannot("model-server", "kms:Decrypt", KEY, "only S3 may ask for the key in its name"),
    cannot("model-server", "kms:Decrypt", KEY, "secrets are encrypted with the same key", how=via("secretsmanager")),
    cannot("model-server", "kms:Decrypt", OTHER_KEY, "other regions have keys of their own", how=via("s3", "eu-west-1")),
    cannot("model-server", "secretsmanager:GetSecretValue", SECRET, "the hub's token is for the mirror, as a Kubernetes Secret"),
    may("weights-mirror", "s3:PutObject", WEIGHTS, "it brings weights"),
    may("weights-mirror", "s3:DeleteObject", WEIGHTS, "a file that differs from the hub's is replaced"),
    may("weights-mirror", "kms:GenerateDataKey", KEY, "S3 seals what it writes", how=via("s3")),
    cannot("weights-mirror", "s3:PutObject", ELSEWHERE, "it writes below one prefix"),
    cannot("weights-mirror", "s3:DeleteObjectVersion", WEIGHTS, "whatever it breaks can be restored"),
    cannot("weights-mirror", "s3:PutLifecycleConfiguration", BUCKET, "nor may it shorten the time in which that is possible"),
    cannot("weights-mirror", "s3:PutBucketPolicy", BUCKET, "it must not open the bucket"),
    cannot("weights-mirror", "s3:PutObject", OTHER_WEIGHTS, "it writes into its own region"),
    cannot(
        "weights-mirror",
        "s3:PutObject",
        WEIGHTS,
        "no key from outside, which AWS could not give back",
        how={"s3:x-amz-server-side-encryption-customer-algorithm": "AES256"},
    ),
    may("replication", "s3:GetObjectVersionForReplication", WEIGHTS, "it copies"),
    may("replication", "s3:ReplicateObject", OTHER_WEIGHTS, "to the region that the stack file names"),
    may("replication", "kms:Encrypt", OTHER_KEY, "under the key of that region", how=via("s3", "eu-west-1")),
    cannot("replication", "s3:ReplicateDelete", OTHER_WEIGHTS, "a mistake stays in one region"),
    cannot("replication", "s3:ReplicateObject", f"{OTHER_BUCKET}/notes.txt", "weights alone are copied"),
    cannot("replication", "kms:Decrypt", OTHER_KEY, "it opens the source only", how=via("s3", "eu-west-1")),
    may("administrator", "s3:GetObject", WEIGHTS, "people of the account are bound by their own policies"),
    cannot("stranger", "s3:GetObject", WEIGHTS, "no other account gets in, whatever its policies say"),
    cannot("anonymous", "s3:GetObject", WEIGHTS, "weights are nobody's to publish"),
)

MACHINE_CASES = (
    may("cluster-autoscaler", "autoscaling:SetDesiredCapacity", GROUP, "it sizes the cluster's groups", tag=OWNED),
    may("cluster-autoscaler", "autoscaling:TerminateInstanceInAutoScalingGroup", GROUP, "and gives idle machines back", tag=OWNED),
    may("cluster-autoscaler", "eks:DescribeNodegroup", arn("eks", f"nodegroup/{NAME}/l4-od/0f1e"), "labels of an empty group"),
    cannot("cluster-autoscaler", "autoscaling:SetDesiredCapacity", GROUP, "a group without the tag is not ours"),
    cannot(
        "cluster-autoscaler",
        "autoscaling:TerminateInstanceInAutoScalingGroup",
        GROUP,
        "a group of another cluster has another tag",
        tag={"aws:ResourceTag/k8s.io/cluster-autoscaler/other": "owned"},
    ),
    cannot("cluster-autoscaler", "autoscaling:SetDesiredCapacity", PEER_GROUP, "groups that EKS did not make are not ours", tag=OWNED),
    cannot("cluster-autoscaler", "eks:DescribeNodegroup", arn("eks", "nodegroup/other/web/0f1e"), "other clusters are not its business"),
    cannot("cluster-autoscaler", "autoscaling:CreateOrUpdateTags", GROUP, "it could tag any group as ours"),
    may("vpc-cni", "ec2:DeleteNetworkInterface", INTERFACE, "it clears what it made", where=HERE),
    may("vpc-cni", "ec2:AssignPrivateIpAddresses", INTERFACE, "also to a machine's first interface, which has no tag yet", where=HERE),
    may("vpc-cni", "ec2:CreateNetworkInterface", SUBNET, "in subnets of this network", where=HERE),
    may("vpc-cni", "ec2:AttachNetworkInterface", INSTANCE, "to machines of this cluster", tag={"aws:ResourceTag/eks:cluster-name": NAME}),
    cannot("vpc-cni", "ec2:DeleteNetworkInterface", INTERFACE, "interfaces of other networks keep their addresses", where=THERE),
    cannot("vpc-cni", "ec2:CreateNetworkInterface", SUBNET, "no foot in other networks", where=THERE),
    cannot("vpc-cni", "ec2:CreateTags", INTERFACE, "nor a tag there", where=THERE),
    cannot("vpc-cni", "ec2:DetachNetworkInterface", INSTANCE, "other machines stay connected", tag={"aws:ResourceTag/eks:cluster-name": "other"}),
    may("ebs-csi", "ec2:DeleteVolume", VOLUME, "the cluster's own disks", session=SESSION, tag=OWN_VOLUME),
    cannot("ebs-csi", "ec2:DeleteVolume", VOLUME, "a disk without a tag is not its own", session=SESSION),
    cannot("ebs-csi", "ec2:DeleteVolume", VOLUME, "disks of another cluster", session=SESSION, tag=PEER_VOLUME),
    cannot("ebs-csi", "ec2:AttachVolume", INSTANCE, "not to machines of others", session=SESSION, tag={"ec2:ResourceTag/eks:cluster-name": "other"}),
    cannot("ebs-csi", "ec2:CreateTags", VOLUME, "it cannot make a disk its own by a tag", session=SESSION),
    may("ebs-csi", "kms:CreateGrant", KEY, "EC2 opens the disk for the machine", how=via("ec2"), grant=GRANT),
    cannot(
        "ebs-csi", "kms:CreateGrant", KEY, "a grant to somebody else outlives the role", how=via("ec2"), grant={"kms:GrantIsForAWSResource": "false"}
    ),
    may("efs-csi", "elasticfilesystem:CreateAccessPoint", FILES, "folders of volumes", tag={"aws:RequestTag/efs.csi.aws.com/cluster": "true"}),
    cannot("efs-csi", "elasticfilesystem:CreateAccessPoint", FILES, "without a tag nobody could clear it"),
    cannot("efs-csi", "elasticfilesystem:DeleteAccessPoint", ENTRY, "what people made has no tag of the driver"),
    cannot("efs-csi", "elasticfilesystem:DeleteFileSystem", FILES, "the weights go with it"),
    cannot("efs-csi", "elasticfilesystem:PutFileSystemPolicy", FILES, "it must not open the file system"),
    may("nodes", "ecr:CreateRepository", REPOSITORY, "the first pull makes the repository"),
    cannot("nodes", "ecr:CreateRepository", arn("ecr", "repository/payments"), "of mirrored images alone"),
    cannot("nodes", "ecr:PutImage", REPOSITORY, "a machine that was broken into must not change what others run"),
    cannot("nodes", "s3:GetObject", WEIGHTS, "weights are read by pods with an identity"),
    cannot("nodes", "ec2:AttachNetworkInterface", INTERFACE, "the network plugin has a role of its own", where=HERE),
    may("image-mirror", "ecr:TagResource", REPOSITORY, "repositories carry the fleet's tags"),
    may("cluster", "kms:Encrypt", KEY, "Secrets are sealed"),
    cannot("cluster", "ec2:DeleteSecurityGroup", arn("ec2", "security-group/sg-0a1b"), "no load balancers are made by the control plane"),
    may("flow-logs", "logs:PutLogEvents", LOGS, "flows of this network"),
    cannot("flow-logs", "logs:PutLogEvents", arn("logs", "log-group:/audit:log-stream:x"), "no other log can be written full"),
)

CONTROLLER_CASES = (
    may("external-secrets", "secretsmanager:GetSecretValue", SECRET, "the stack file names it"),
    may("external-secrets", "secretsmanager:GetSecretValue", API_KEY, "this one as well"),
    may("external-secrets", "kms:Decrypt", KEY, "Secrets Manager opens it in its name", how=via("secretsmanager")),
    cannot("external-secrets", "secretsmanager:GetSecretValue", arn("secretsmanager", "secret:payments-AbCdEf"), "the stack file does not name it"),
    cannot("external-secrets", "secretsmanager:PutSecretValue", SECRET, "values are put in by people"),
    cannot("external-secrets", "secretsmanager:DeleteSecret", SECRET, "nor taken away"),
    cannot("external-secrets", "kms:Decrypt", KEY, "disks are encrypted with the same key", how=via("ec2")),
    may("load-balancer-controller", "elasticloadbalancing:RegisterTargets", TARGETS, "pods of the cluster", tag=OURS),
    cannot("load-balancer-controller", "elasticloadbalancing:RegisterTargets", TARGETS, "others' traffic cannot be drawn here"),
    cannot(
        "load-balancer-controller",
        "elasticloadbalancing:DeregisterTargets",
        TARGETS,
        "nor another cluster's traffic cut off",
        tag={**OURS, "aws:ResourceTag/cluster": "eu"},
    ),
    cannot("load-balancer-controller", "elasticloadbalancing:DeleteTargetGroup", TARGETS, "target groups are made and deleted here", tag=OURS),
)

TRUST_CASES = (
    may("pods.eks.amazonaws.com", "sts:AssumeRole", role("model-server"), "its service account", pod=pod("vllm", "model-server")),
    may(
        "pods.eks.amazonaws.com",
        "sts:TagSession",
        role("model-server"),
        "with the tags that policies are written for",
        pod=pod("vllm", "model-server"),
    ),
    cannot("pods.eks.amazonaws.com", "sts:AssumeRole", role("model-server"), "another cluster's pod", pod=pod("vllm", "model-server", "other")),
    cannot("pods.eks.amazonaws.com", "sts:AssumeRole", role("model-server"), "the same name elsewhere", pod=pod("default", "model-server")),
    cannot("pods.eks.amazonaws.com", "sts:AssumeRole", role("weights-mirror"), "a server is not the mirror", pod=pod("vllm", "model-server")),
    cannot("pods.eks.amazonaws.com", "sts:AssumeRole", role("external-secrets"), "session tags switched off"),
    cannot("pods.eks.amazonaws.com", "sts:AssumeRole", role("nodes"), "a pod is not its machine", pod=pod("vllm", "model-server")),
    cannot("stranger", "sts:AssumeRole", role("model-server"), "another account"),
    cannot("administrator", "sts:AssumeRole", role("weights-mirror"), "people of the account are not trusted either"),
    cannot("model-server", "sts:AssumeRole", role("weights-mirror"), "roles do not lead to roles"),
    may("ec2.amazonaws.com", "sts:AssumeRole", role("nodes"), "machines"),
    may("eks.amazonaws.com", "sts:AssumeRole", role("cluster"), "the control plane"),
    may("vpc-flow-logs.amazonaws.com", "sts:AssumeRole", role("flow-logs"), "flow logs of this account", source=FLOWS_SOURCE),
    cannot(
        "vpc-flow-logs.amazonaws.com",
        "sts:AssumeRole",
        role("flow-logs"),
        "flow logs that a stranger points at our role",
        source={**FLOWS_SOURCE, "aws:SourceAccount": "444455556666"},
    ),
    cannot("s3.amazonaws.com", "sts:AssumeRole", role("weights-mirror"), "S3 replicates and does not mirror"),
)

KEY_CASES = (
    may("auto scaling", "kms:GenerateDataKeyWithoutPlaintext", KEY, "machines with encrypted disks start", how=via("ec2")),
    may("auto scaling", "kms:CreateGrant", KEY, "EC2 opens the disk at every start", how=via("ec2"), grant=GRANT),
    may("logs.us-east-2.amazonaws.com", "kms:GenerateDataKey", KEY, "the control plane's log", context=MAKES_LOGS),
    may("administrator", "kms:PutKeyPolicy", KEY, "the key can be kept by whoever the account says"),
    cannot("auto scaling", "kms:CreateGrant", KEY, "a grant for anybody else", how=via("ec2"), grant={"kms:GrantIsForAWSResource": "false"}),
    cannot("auto scaling", "kms:Decrypt", KEY, "outside of EC2 it opens nothing"),
    cannot("ecr", "kms:Decrypt", KEY, "the credential of the mirror is under the key of Secrets Manager", how=via("secretsmanager")),
    cannot("colleague", "kms:Decrypt", KEY, "who may start machines does not read every disk", how=via("ec2")),
    cannot("stranger's auto scaling", "kms:Decrypt", KEY, "another account's machines", how=via("ec2")),
    cannot("stranger", "kms:Decrypt", KEY, "another account"),
    cannot(
        "logs.us-east-2.amazonaws.com",
        "kms:Decrypt",
        KEY,
        "logs of others that name our key",
        context={"kms:EncryptionContext:aws:logs:arn": arn("logs", "log-group:/others")},
    ),
    cannot("logs.eu-west-1.amazonaws.com", "kms:Decrypt", KEY, "another region's logs", context=MAKES_LOGS),
)

FILE_CASES = (
    may(
        "anonymous",
        "elasticfilesystem:ClientWrite",
        FILES,
        "NFS knows no roles: the network decides",
        how={"elasticfilesystem:AccessedViaMountTarget": "true"},
    ),
    cannot("anonymous", "elasticfilesystem:ClientMount", FILES, "from outside of the network"),
    cannot(
        "anonymous", "elasticfilesystem:ClientRootAccess", FILES, "nobody is root there", how={"elasticfilesystem:AccessedViaMountTarget": "true"}
    ),
    cannot(
        "anonymous",
        "elasticfilesystem:ClientMount",
        FILES,
        "nothing travels in the clear",
        how={"elasticfilesystem:AccessedViaMountTarget": "true", "aws:SecureTransport": "false"},
    ),
)

CASES = (*WEIGHTS_CASES, *MACHINE_CASES, *CONTROLLER_CASES, *TRUST_CASES, *KEY_CASES, *FILE_CASES)
