"""A stand-in for the AWS provider: a check of this program's inputs and of the order in which it makes things. It is not AWS.

It speaks `pulumirpc.ResourceProvider`; the engine attaches to it where PULUMI_DEBUG_PROVIDERS names its port. No account, no
network and no machine is behind it: everything exists at once, and nothing costs or fails by itself.

What it knows, and from where: names, types and required inputs from the installed SDK; members, enumerations, patterns, lengths
and ranges from the service models that botocore ships (`python -m tests.support.stand_in_aws` prints how far that goes); names,
defaults and what is deleted before it is replaced after the source of the real bridge and provider; which inputs force a
replacement by hand, after ForceNew in the Terraform provider, for the types this program uses; what refers to what and what
blocks a deletion by hand, after AWS's documentation. AWS's words for an error are written down where they are known, and their
code always; whether a permission suffices, a quota holds or capacity exists is not judged at all.
"""

from __future__ import annotations

from tests.support.stand_in_aws.kinds import ACCOUNT
from tests.support.stand_in_aws.provider import Change, StandInAws

__all__ = ["ACCOUNT", "Change", "StandInAws"]
