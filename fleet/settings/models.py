"""Models: which weights, how the engine runs them, and where."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from fleet.presets import PRESETS
from fleet.settings.base import REPOSITORY_PATTERN, Count, CountOrNone, GitCommit, GpusPerNode, Key, Printable, Section, Tokens

ServiceLevel = Literal["interactive", "standard", "batch"]


class Replicas(Section):
    """How many model servers in one cluster."""

    min: Count = 1
    """Servers that always run. An interactive model in prod needs 2."""
    max: Count | None = None
    """Servers at most; default: min. The pool must hold all of them."""


class Placement(Section):
    """Where a model runs in one cluster, where that differs from the model's own settings."""

    pool: Key | None = None
    """The pool in this cluster; default: the model's `pool`."""
    replicas: Replicas | None = None
    """Servers in this cluster; default: the model's `replicas`."""


class Cache(Section):
    """How weights reach a node."""

    kind: Literal["bucket", "volume", "shared", "node_local", "hyperdisk_ml"] | None = None
    """Default: the cluster's bucket in a cloud, the shared storage class of an existing cluster. `hyperdisk_ml` is Google's disk that many
    machines read."""


class Rollout(Section):
    """How a new version replaces the old one."""

    max_surge: CountOrNone
    """Servers that may run beside the old ones; each needs free GPUs."""
    max_unavailable: CountOrNone
    """Servers that may be missing meanwhile; less than replicas.min."""


class Autoscaling(Section):
    """Scaling between `replicas.min` and `replicas.max` on demand."""

    enabled: bool = False
    """Scale on running and waiting requests."""


class Model(Section):
    """A model under the name that clients use. Either `tier` (a preset), or `model` and `revision`."""

    tier: Annotated[str, Field(json_schema_extra={"enum": list(PRESETS)})] | None = None
    """A preset: weights, context, quantisation and parsers. Everything below overrides it."""
    model: Annotated[str, StringConstraints(pattern=REPOSITORY_PATTERN, max_length=96)] | None = None
    """Repository of the weights on the hub, organisation/name."""
    revision: GitCommit | None = None
    """Commit of the repository, 40 hexadecimal digits; default: the one in fleet.lock.json."""
    config: Printable | None = None
    """Path of the model's config.json beside the stack file; needed where no preset knows the model."""
    quantization: str | None = None
    """Quantise while loading (fp8_per_tensor), or the format that the checkpoint already has; default: as the checkpoint is."""
    dtype: Literal["auto", "half", "float16", "bfloat16", "float32"] | None = None
    """Type of the computation; default: what the model and the GPU have in common."""
    kv_cache_dtype: str | None = None
    """Type of the KV cache, for example fp8 for twice the tokens; default: as the model."""
    tensor_parallel: GpusPerNode | None = None
    """GPUs of one node that share the model. Must divide its attention heads."""
    max_model_len: Tokens | None = None
    """Context in tokens, prompt and answer together, that one request may use."""
    max_output_tokens: Tokens = 4096
    """The longest answer in tokens: what the engine allows and what a drain waits for."""
    gpu_memory_utilization: Annotated[float, Field(ge=0.5, le=0.98)] | None = None
    """Share of the GPU's memory that the engine takes, 0.5 to 0.98; default: 0.92."""
    max_num_seqs: Tokens | None = None
    """Requests that run at once; default: the engine's."""
    max_num_batched_tokens: Tokens | None = None
    """Tokens of one engine step; default: the engine's."""
    tool_call_parser: str | None = None
    """How tool calls are read from the model's text, by the engine's name for it; default: the preset's."""
    reasoning_parser: str | None = None
    """How reasoning is told from the answer, by the engine's name for it; default: the preset's."""
    slo: ServiceLevel = "standard"
    """`interactive`: people wait, answers are never cut off; `standard`: programs wait; `batch`: nobody waits."""
    replicas: Replicas = Replicas()
    """Model servers in each cluster."""
    autoscaling: Autoscaling = Autoscaling()
    """Scaling on demand."""
    rollout: Rollout | None = None
    """How a new version replaces the old one; default: one server more where the pool has room, else one fewer."""
    pool: Key | None = None
    """The pool in every cluster that `placements` does not say otherwise for."""
    placements: dict[Key, Placement] | None = None
    """Cluster name to placement; default: every cluster."""
    cache: Cache = Cache()
    """How weights reach a node."""
    team: Key | None = None
    """Who owns the model, for labels and showback; default: the fleet's owner."""
