"""Models: which weights, how the engine runs them, and where."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from fleet.settings.base import REPOSITORY_PATTERN, GitCommit, Key, NonNegativeInt, PositiveInt, Section

ServiceLevel = Literal["interactive", "standard", "batch"]


class Replicas(Section):
    """How many model servers in one cluster."""

    min: PositiveInt = 1
    max: PositiveInt | None = Field(default=None, description="default: min")


class Placement(Section):
    """Where a model runs in one cluster, where that differs from the model's own settings."""

    pool: Key | None = None
    replicas: Replicas | None = None


class Cache(Section):
    """How weights reach a node. Default: the cluster's bucket, or the shared storage class of an existing cluster."""

    kind: Literal["bucket", "volume", "shared", "node_local"] | None = None


class Rollout(Section):
    """How a new version replaces the old one. Default: computed from the headroom of the pool."""

    max_surge: NonNegativeInt
    max_unavailable: NonNegativeInt


class Autoscaling(Section):
    """Scaling between `replicas.min` and `replicas.max` on demand."""

    enabled: bool = False


class Model(Section):
    """A model under the name that clients use. Either `tier` (a preset), or `model` and `revision`."""

    tier: str | None = Field(default=None, description="a preset: mini-int4, small, medium, large")
    model: Annotated[str, StringConstraints(pattern=REPOSITORY_PATTERN)] | None = None
    revision: GitCommit | None = None
    config: str | None = Field(
        default=None, description="path of the model's config.json beside the stack file; needed where no preset knows the model"
    )
    quantization: str | None = None
    dtype: Literal["auto", "half", "float16", "bfloat16", "float32"] | None = None
    kv_cache_dtype: str | None = None
    tensor_parallel: PositiveInt | None = None
    max_model_len: PositiveInt | None = None
    max_output_tokens: PositiveInt = Field(default=4096, description="the longest answer a drain waits for")
    gpu_memory_utilization: Annotated[float, Field(ge=0.5, le=0.98)] | None = None
    max_num_seqs: PositiveInt | None = None
    max_num_batched_tokens: PositiveInt | None = None
    tool_call_parser: str | None = None
    reasoning_parser: str | None = None
    slo: ServiceLevel = "standard"
    replicas: Replicas = Replicas()
    autoscaling: Autoscaling = Autoscaling()
    rollout: Rollout | None = None
    pool: Key | None = Field(default=None, description="the pool in every cluster that `placements` does not name")
    placements: dict[Key, Placement] | None = Field(default=None, description="cluster name to placement; default: every cluster")
    cache: Cache = Cache()
    team: Key | None = None
