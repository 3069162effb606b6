"""The rules every part of the stack file shares: no unknown key, no change after reading, no guessing of types."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

LABEL_PATTERN = r"^[a-z]([-a-z0-9]*[a-z0-9])?$"
"""A DNS label that starts with a letter: what a Kubernetes Service name allows, the narrowest of the names keys become."""

COMMIT_PATTERN = r"^[0-9a-f]{40}$"
CIDR_PATTERN = r"^\d{1,3}(\.\d{1,3}){3}/\d{1,2}$"
UID_PATTERN = r"^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$"
REPOSITORY_PATTERN = r"^[\w.-]+/[\w.-]+$"
PROJECT_PATTERN = r"^[a-z][-a-z0-9]{4,28}[a-z0-9]$"
AWS_REGION_PATTERN = r"^[a-z]{2}(-[a-z]+)+-\d$"
GCP_REGION_PATTERN = r"^[a-z]+-[a-z]+\d+$"

FORMS = {
    LABEL_PATTERN: "lower-case letters, digits and hyphens that start with a letter",
    COMMIT_PATTERN: "a commit of 40 hexadecimal digits (a branch or a tag can move)",
    CIDR_PATTERN: "an address range such as 203.0.113.0/24",
    UID_PATTERN: "a UID such as 6f1c2a9e-0000-4000-8000-1234567890ab (kubectl get namespace kube-system -o jsonpath={.metadata.uid})",
    REPOSITORY_PATTERN: "a repository name of the form organisation/name",
    PROJECT_PATTERN: "a project id of 6 to 30 lower-case letters, digits and hyphens",
    AWS_REGION_PATTERN: "an AWS region such as us-east-2",
    GCP_REGION_PATTERN: "a Google Cloud region such as us-central1",
}
"""What a pattern asks for, in the words of an error message."""

Key = Annotated[str, StringConstraints(pattern=LABEL_PATTERN, max_length=40)]
"""A human name in the stack file: of a cluster, a pool or a model."""

GitCommit = Annotated[str, StringConstraints(pattern=COMMIT_PATTERN)]
"""A commit of a model repository: 40 hexadecimal digits, never a branch or a tag, which move."""

PositiveInt = Annotated[int, Field(ge=1)]
NonNegativeInt = Annotated[int, Field(ge=0)]


class Section(BaseModel):
    """A mapping in the stack file. Unknown keys are refused, values are frozen, numbers in quotes are not numbers."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, allow_inf_nan=False)
