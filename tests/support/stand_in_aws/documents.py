"""Policy documents, as far as their form goes. Whether they allow what is needed is not judged here."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

from tests.support.stand_in_provider_wire import UNKNOWN

VERSIONS = ("2012-10-17", "2008-10-17")
KEYS = {"Version", "Id", "Statement"}
STATEMENT_KEYS = {"Sid", "Effect", "Principal", "NotPrincipal", "Action", "NotAction", "Resource", "NotResource", "Condition"}
ACTION = re.compile(r"\*|[a-z0-9-]+:[A-Za-z0-9*?]+")
SID = re.compile(r"[A-Za-z0-9]*")
PRINCIPALS = {"AWS", "Service", "Federated", "CanonicalUser"}
LIMITS = {"identity": 10_240, "trust": 2_048, "key": 32_768, "bucket": 20_480, "file-system": 20_000, "endpoint": 20_480, "repository": 10_240}
"""Characters. IAM (identity, trust) does not count white space. Quotas of IAM, KMS, S3, EFS, EC2 and ECR."""

OPERATORS = {
    *(f"String{name}" for name in ("Equals", "NotEquals", "EqualsIgnoreCase", "NotEqualsIgnoreCase", "Like", "NotLike")),
    *(f"Numeric{name}" for name in ("Equals", "NotEquals", "LessThan", "LessThanEquals", "GreaterThan", "GreaterThanEquals")),
    *(f"Date{name}" for name in ("Equals", "NotEquals", "LessThan", "LessThanEquals", "GreaterThan", "GreaterThanEquals")),
    *(f"Arn{name}" for name in ("Equals", "NotEquals", "Like", "NotLike")),
    *("Bool", "BinaryEquals", "IpAddress", "NotIpAddress", "Null"),
}


def faults(text: Any, stands_on: str) -> Iterator[str]:
    """What is wrong with a document that stands on an identity, a role (trust) or a resource of some kind."""
    if text == UNKNOWN:
        return
    document = parsed(text)
    if document is None:
        yield f"MalformedPolicyDocument: not a JSON object: {str(text)[:60]!r}"
        return
    whole = text if isinstance(text, str) else json.dumps(text)
    counted = re.sub(r"\s", "", whole) if stands_on in ("identity", "trust") else whole
    limit = LIMITS.get(stands_on)
    if limit and len(counted) > limit:
        yield f"LimitExceeded: {len(counted)} characters, and a policy of a {stands_on} has at most {limit}"
    yield from (f"MalformedPolicyDocument: unknown key {name}" for name in sorted(set(document) - KEYS))
    if document.get("Version") not in VERSIONS:
        yield f"MalformedPolicyDocument: Version {document.get('Version')!r} is none of {', '.join(VERSIONS)}"
    statements = statements_of(document)
    if not statements:
        yield "MalformedPolicyDocument: no Statement"
    sids = [statement["Sid"] for statement in statements if statement.get("Sid")]
    if len(set(sids)) != len(sids):
        yield "MalformedPolicyDocument: Statement IDs (SID) in a single policy must be unique"
    for statement in statements:
        yield from _statement(statement, stands_on)


def parsed(text: Any) -> dict[str, Any] | None:
    """The document, or None where it is none."""
    if isinstance(text, Mapping):
        return dict(text)
    try:
        found = json.loads(text)
    except (TypeError, ValueError):
        return None
    return found if isinstance(found, dict) else None


def statements_of(document: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Statements, also where there is but one."""
    return [statement for statement in listed(document.get("Statement")) if isinstance(statement, dict)]


def principals(document: Mapping[str, Any], kind: str) -> set[str]:
    """Everyone of a kind (AWS, Service) that a document names."""
    named = (statement.get("Principal") for statement in statements_of(document))
    return {who for one in named if isinstance(one, Mapping) for who in listed(one.get(kind))}


def listed(value: Any) -> list[Any]:
    """IAM writes one value without a list."""
    return value if isinstance(value, list) else [] if value is None else [value]


def _statement(statement: Mapping[str, Any], stands_on: str) -> Iterator[str]:
    said = f"statement {statement.get('Sid') or '(without Sid)'}"
    yield from (f"MalformedPolicyDocument: {said}: unknown key {name}" for name in sorted(set(statement) - STATEMENT_KEYS))
    if statement.get("Effect") not in ("Allow", "Deny"):
        yield f"MalformedPolicyDocument: {said}: Effect {statement.get('Effect')!r}"
    if stands_on in ("identity", "trust") and not SID.fullmatch(statement.get("Sid", "")):
        yield f"MalformedPolicyDocument: {said}: a Sid has letters and digits"
    actions = listed(statement.get("Action", statement.get("NotAction")))
    if not actions:
        yield f"MalformedPolicyDocument: {said}: Missing required field Action"
    yield from (f"MalformedPolicyDocument: {said}: {action!r} is not an action" for action in actions if not ACTION.fullmatch(str(action)))
    yield from (f"MalformedPolicyDocument: {said}: {fault}" for fault in (*_place(statement, stands_on), *_conditions(statement)))


def _place(statement: Mapping[str, Any], stands_on: str) -> Iterator[str]:
    """Identity policies have no principal, trust policies no resource, all others both."""
    named, resources = "Principal" in statement or "NotPrincipal" in statement, listed(statement.get("Resource", statement.get("NotResource")))
    if stands_on in ("identity", "session"):
        if named:
            yield "Policy document should not specify a principal"
    elif not named:
        yield "Missing required field Principal"
    if stands_on == "trust":
        if resources:
            yield "Has prohibited field Resource"
    elif not resources and stands_on not in ("repository", "file-system"):
        yield "Missing required field Resource"
    yield from (f'Resource {one!r} must be in ARN format or "*"' for one in resources if one != "*" and not _is_arn(one))
    principal = statement.get("Principal")
    if isinstance(principal, Mapping):
        yield from (f"Invalid principal {kind}" for kind in sorted(set(principal) - PRINCIPALS))
    elif principal not in (None, "*"):
        yield f"Invalid principal {principal!r}"


def _is_arn(value: Any) -> bool:
    return isinstance(value, str) and value.startswith("arn:") and value.count(":") >= 5


def _conditions(statement: Mapping[str, Any]) -> Iterator[str]:
    for operator, keys in (statement.get("Condition") or {}).items():
        plain = operator.removeprefix("ForAllValues:").removeprefix("ForAnyValue:").removesuffix("IfExists")
        if plain not in OPERATORS:
            yield f"Invalid condition operator {operator}"
        if not isinstance(keys, Mapping) or not keys:
            yield f"Condition {operator} has no keys"
