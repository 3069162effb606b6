"""IAM documents as values. Resources that get their ARN when they are made are References."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from fleet.references import Planned, Reference

VERSION = "2012-10-17"
"""Of the policy language; older documents do not know variables."""

Values = str | Reference | tuple[str | Reference, ...]
Conditions = Mapping[str, Mapping[str, Values]]
"""Operator to key to value or values."""


@dataclass(frozen=True, kw_only=True)
class Statement:
    """One statement of a policy document."""

    sid: str
    actions: tuple[str, ...]
    resources: tuple[str | Reference, ...] = ()
    """Empty in a trust policy, which stands on its resource."""
    conditions: Conditions = field(default_factory=dict[str, Mapping[str, Values]])
    """All of them must hold."""
    principals: Mapping[str, Values] = field(default_factory=dict[str, Values])
    """Kind (Service, AWS) to who; only in policies that stand on a resource. {"AWS": "*"} is everybody the conditions leave."""
    effect: Literal["Allow", "Deny"] = "Allow"

    def document(self) -> dict[str, Planned]:
        """As IAM writes it."""
        found: dict[str, Planned] = {"Sid": self.sid, "Effect": self.effect}
        if self.principals:
            found["Principal"] = {kind: _one_or_many(who) for kind, who in self.principals.items()}
        found["Action"] = list(self.actions)
        if self.resources:
            found["Resource"] = list(self.resources)
        if self.conditions:
            found["Condition"] = {operator: {key: _one_or_many(value) for key, value in keys.items()} for operator, keys in self.conditions.items()}
        return found


def document(*statements: Statement) -> dict[str, Planned]:
    """A whole policy document."""
    return {"Version": VERSION, "Statement": [statement.document() for statement in statements]}


def _one_or_many(value: Values) -> Planned:
    return list(value) if isinstance(value, tuple) else value
