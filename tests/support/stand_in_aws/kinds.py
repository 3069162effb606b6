"""How the stand-in describes a type of AWS."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any

import botocore.session
from botocore.validate import ParamValidator

from tests.support.stand_in_cloud import kinds
from tests.support.stand_in_cloud.kinds import GLOBAL, AutoName, Call, Needs

__all__ = ["ACCOUNT", "GLOBAL", "AutoName", "Call", "Kind", "Needs", "request_shape"]

ACCOUNT = "111122223333"
"""Of the stand-in: the account of AWS's own examples."""

PROVIDER_ONLY = {"region": "says where the call goes"}
"""Inputs of every type that are no member of a call."""


@dataclass(frozen=True, kw_only=True)
class Kind(kinds.Kind):
    """One type of resource."""

    arn: str = ""
    """Like the identity, with {region}, {account}, {id}; empty: it has none."""
    documents: Mapping[str, str] = field(default_factory=dict[str, str])
    """Inputs that are policy documents, by what they stand on: identity, trust, key, bucket, file-system, endpoint or session."""

    @property
    def explanations(self) -> Mapping[str, str]:
        return {**PROVIDER_ONLY, **super().explanations}

    @property
    def opaque(self) -> Iterable[str]:
        return self.documents

    def request(self, call: Call) -> Any:
        return request_shape(call.service, call.operation)

    def second_opinion(self, call: Call, parameters: Mapping[str, Any]) -> str | None:
        """What botocore itself would refuse to send."""
        report = ParamValidator().validate(parameters, self.request(call))
        return f"botocore would not send {call.operation}: {report.generate_report()}" if report.has_errors() else None


@cache
def request_shape(service: str, operation: str) -> Any:
    """The input of an operation in the service's model."""
    return _service(service).operation_model(operation).input_shape


@cache
def _service(name: str) -> Any:
    return botocore.session.get_session().get_service_model(name)
