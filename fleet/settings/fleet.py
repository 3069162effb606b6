"""The whole object under `vllm-fleet:fleet`."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, StringConstraints, model_validator

from fleet.settings.base import DOMAIN_PATTERN, ChartRepository, Key, ObjectName, Printable, Section, refusal
from fleet.settings.clusters import Cluster
from fleet.settings.models import Model
from fleet.settings.pools import Pool

CONFIG_KEY = "vllm-fleet:fleet"
"""The one key under `config:` in a stack file."""


class Budget(Section):
    """What the fleet may cost. A plan whose ceiling is above it is refused, naming the largest line."""

    monthly_usd: Annotated[float, Field(gt=0, le=1_000_000_000)]
    """US dollars for a month of 730 hours, at maximum replicas and list prices."""


class Traffic(Section):
    """How the global endpoint spreads requests over the clusters."""

    mode: Literal["active-active", "primary-failover"] = "active-active"
    """All clusters by weight, or one until it fails."""
    primary: Key | None = None
    """The cluster that gets everything in mode primary-failover."""


class Secrets(Section):
    """Names of Kubernetes Secrets. Values never appear in a stack file."""

    hub_token: ObjectName | None = None
    """Name of the Secret whose key `token` the mirror Job reads, for gated models."""
    engine_api_key: ObjectName | None = None
    """Name of the Secret whose key `key` each engine asks its clients for."""


class Charts(Section):
    """Where Helm charts come from."""

    repository: ChartRepository | None = None
    """A repository or registry of your own that holds every chart the fleet uses; default: each chart's own."""
    folder: Printable | None = None
    """Instead: a folder with the packed charts (name-version.tgz), relative to the project. Previews then ask nobody for a chart."""

    @model_validator(mode="after")
    def _one_place(self) -> Charts:
        if self.folder and self.repository:
            raise refusal("names a folder and a repository, and charts come from one place", "remove one of the two")
        return self


class AcceptedRisk(Section):
    """A refusal that somebody decided to live with, repeated in the plan, the preview and the outputs."""

    risk: Annotated[str, StringConstraints(min_length=1, max_length=500)]
    """The risk by the name that the refusal gives it."""
    reason: Annotated[str, StringConstraints(min_length=10, max_length=1000)]
    """Why that is acceptable, in words for whoever reads the plan."""


class Settings(Section):
    """A fleet of one environment."""

    name: Annotated[Key, StringConstraints(max_length=24)]
    """Name of the fleet: part of the names of buckets, roles and service accounts, so at most 24 characters."""
    environment: Literal["local", "dev", "test", "staging", "prod"] = "dev"
    """`prod` turns on protection, locked pins, known clusters and two replicas of interactive models."""
    owner: Key = "platform"
    """Who pays: becomes tags and labels."""
    budget: Budget | None = None
    """What the fleet may cost."""
    domain: Annotated[str, StringConstraints(pattern=DOMAIN_PATTERN, max_length=253)] | None = None
    """Domain of the global endpoint."""
    traffic: Traffic = Traffic()
    """How the global endpoint spreads requests."""
    secrets: Secrets = Secrets()
    """Names of secrets."""
    clusters: Annotated[dict[Key, Cluster], Field(min_length=1)]
    """Clusters by a name of your choice. The name stays: another name is another cluster."""
    pools: dict[Key, Pool] = Field(default_factory=dict[str, Pool])
    """GPU node pools by name, realised in every cluster where a model is placed on them. Default: one for each tier in use."""
    models: Annotated[dict[Key, Model], Field(min_length=1)]
    """Models by the name that clients use."""
    prices: dict[str, Annotated[float, Field(gt=0, le=10_000)]] = Field(default_factory=dict[str, float])
    """US dollars per hour by machine type, over the catalogue's list prices."""
    charts: Charts = Charts()
    """Where Helm charts come from."""
    accepted_risks: tuple[AcceptedRisk, ...] = ()
    """Refusals that somebody decided to live with."""
    read_only_root: bool = False
    """Read-only root file system of serving pods."""
