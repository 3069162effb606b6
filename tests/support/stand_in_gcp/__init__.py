"""A stand-in for the Google provider: a check of this program's inputs and of the order in which it makes things. It is not Google.

It speaks `pulumirpc.ResourceProvider`; the engine attaches to it where PULUMI_DEBUG_PROVIDERS names its port. No project, no network and no
machine is behind it: everything exists at once, and nothing costs or fails by itself.

What it knows, and from where: names, types and required inputs from the installed SDK; members, enumerations, patterns and formats from the
descriptions of Google's APIs that google-api-python-client ships (`python -m tests.support.stand_in_gcp` prints how far that goes; they
demand little, say few lengths, and what is only beta they do not know); names, defaults, ids, words and what forces a replacement by hand, after
the source of the bridged provider (pulumi/pulumi-gcp commit ed6078a) and of the Terraform provider (hashicorp/terraform-provider-google
commit e03b762, 7.45), both of 2026-08-21, for the types this program uses; what refers to what and what blocks a deletion by hand, after
Google's documentation. Whether a role suffices, a quota holds, a zone has the machine or capacity exists is not judged at all.
"""

from __future__ import annotations

from tests.support.stand_in_gcp.projects import number_of
from tests.support.stand_in_gcp.provider import Change, StandInGcp

__all__ = ["Change", "StandInGcp", "number_of"]
