"""The whole object under `vllm-fleet:fleet`."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from fleet.settings.base import Key, Section
from fleet.settings.clusters import Cluster
from fleet.settings.models import Model
from fleet.settings.pools import Pool

CONFIG_KEY = "vllm-fleet:fleet"
"""The one key under `config:` in a stack file."""


class Budget(Section):
    """A limit in US dollars a month of 730 hours. A plan whose ceiling is above it is refused."""

    monthly_usd: Annotated[float, Field(gt=0)]


class Traffic(Section):
    """How the global endpoint spreads requests over the clusters."""

    mode: Literal["active-active", "primary-failover"] = "active-active"
    primary: Key | None = None


class Secrets(Section):
    """Names of secrets. Values never appear in a stack file."""

    hub_token: str | None = Field(default=None, description="name of the Secret (key `token`) the mirror Job reads for gated models")
    engine_api_key: str | None = Field(default=None, description="name of the Secret (key `key`) each engine asks clients for")


class AcceptedRisk(Section):
    """A refusal that somebody decided to live with, repeated in the plan, the preview and the outputs."""

    risk: Annotated[str, StringConstraints(min_length=1)]
    reason: Annotated[str, StringConstraints(min_length=10)]


class Settings(Section):
    """A fleet of one environment."""

    name: Annotated[Key, StringConstraints(max_length=24)]
    environment: Literal["local", "dev", "test", "staging", "prod"] = "dev"
    owner: Key = "platform"
    budget: Budget | None = None
    domain: str | None = None
    traffic: Traffic = Traffic()
    secrets: Secrets = Secrets()
    clusters: Annotated[dict[Key, Cluster], Field(min_length=1)]
    pools: Annotated[dict[Key, Pool], Field(min_length=1)]
    models: Annotated[dict[Key, Model], Field(min_length=1)]
    prices: dict[str, Annotated[float, Field(gt=0)]] = Field(
        default_factory=dict, description="US dollars per hour by machine type, over the catalogue's list prices"
    )
    accepted_risks: tuple[AcceptedRisk, ...] = ()
    read_only_root: bool = Field(default=False, description="read-only root file system of serving pods")
