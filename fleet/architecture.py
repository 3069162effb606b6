"""A model's shape from its Hugging Face `config.json`: layers, heads and parameters, counted, never guessed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

from fleet.checkpoint import MXFP4_BYTES, CheckpointFormat, checkpoint_format, explicit_format
from fleet.config_fields import MOST_LAYERS, ArchitectureError, Section, number, section
from fleet.layers import EXPERTS, KNOWN, Layer, expert_width, layer, linear_scaling, vision_parameters

__all__ = ["GIB", "Architecture", "ArchitectureError", "LatentAttention", "from_config"]

GIB = 1024**3

TIED = frozenset({"gemma2", "gemma3_text"})
"""Model types that share token embeddings and output head unless their configuration says otherwise."""

MXFP4_HIDDEN_MULTIPLE, MXFP4_EXPERT_MULTIPLE = 256, 128
"""Marlin pads the experts of gpt-oss-120b from 2880 × 2880 to 3072 × 2944: 60.8 GiB of files become 65.97 GiB (vLLM issue 23278)."""


GROUPS_PADDED_BELOW = 1.25
"""vLLM gives layers with and without a window equal groups; counts closer than this make the group of the larger."""


@dataclass(frozen=True, kw_only=True)
class LatentAttention:
    """Multi-head latent attention: one compressed vector per token instead of keys and values per head."""

    kv_lora_rank: int
    rope_dimension: int


@dataclass(frozen=True, kw_only=True)
class Architecture:
    """What sizing needs of a model. Parameter counts are numbers of weights; sizes in bytes follow from the quantisation."""

    model_type: str
    layers: tuple[Layer, ...]
    hidden_size: int
    intermediate_size: int
    expert_width: int | None
    vocabulary: int
    heads: int
    kv_heads: int
    head_dimension: int
    max_position_embeddings: int
    rotary_positions: int
    """Positions of the rotary table: all of the model's, times the factor of linear scaling."""
    tied_embeddings: bool
    latent: LatentAttention | None
    vision_parameters: int
    checkpoint: CheckpointFormat

    @property
    def checkpoint_quantization(self) -> str | None:
        """`quant_method` of the checkpoint, None for 16 bits."""
        return self.checkpoint.method

    @property
    def embedding_parameters(self) -> int:
        """Token embeddings and the output head, kept in 16 bits by every common quantisation."""
        return self.vocabulary * self.hidden_size * (1 if self.tied_embeddings else 2)

    @property
    def parameters(self) -> int:
        """All of them, without norms and biases (below a tenth of a per cent)."""
        return sum(found.parameters for found in self.layers) + self.embedding_parameters + self.vision_parameters

    @cached_property
    def layer_counts(self) -> tuple[tuple[Layer, int], ...]:
        """Each kind of layer once, with how many there are."""
        return tuple(Counter(self.layers).items())

    @cached_property
    def cache_groups(self) -> tuple[tuple[int | None, int], ...]:
        """(window, layers) of every kind with a KV cache, padded to equal groups where there are several."""
        counts: Counter[int | None] = Counter()
        for found, count in self.layer_counts:
            if found.kind != "linear":
                counts[found.window] += count
        if len(counts) < 2:
            return tuple(counts.items())
        fewest, most = min(counts.values()), max(counts.values())
        group = most if most < fewest * GROUPS_PADDED_BELOW else fewest
        return tuple((window, -(-count // group) * group) for window, count in counts.items())

    @cached_property
    def state_bytes(self) -> int:
        """Of all linear-attention layers, per request."""
        return sum(found.state_bytes * count for found, count in self.layer_counts)

    def format(self, quantization: str | None) -> CheckpointFormat:
        """The format in memory: the checkpoint's own, or the method named for one in 16 bits."""
        return self.checkpoint if self.checkpoint.method or quantization is None else explicit_format(quantization)

    def weight_bytes(self, quantization: str | None = None, *, wide: float = 2.0) -> float:
        """Bytes of all weights, as published files keep them.

        Args:
            quantization: a method applied to a 16-bit checkpoint.
            wide: bytes of a weight that is not quantised: 2, or 4 for dtype float32.
        """
        chosen = self.format(quantization)
        total = wide * (self.embedding_parameters + self.vision_parameters)
        for found, count in self.layer_counts:
            attention, mlp = _widths(found, chosen, wide)
            small = found.attention_parameters * attention + (found.mlp_parameters + found.expert_parameters) * mlp
            total += count * (small + found.router_parameters * wide)
        return total

    def gpu_weight_bytes(self, quantization: str | None, tensor_parallel: int, *, wide: float = 2.0) -> float:
        """Bytes of weights on each GPU: its share, what every GPU repeats, kernel padding and the rotary table."""
        chosen, padding = self.format(quantization), self._expert_padding(quantization, tensor_parallel)
        repeated = max(1.0, tensor_parallel / self.kv_heads) - 1.0
        total = self.weight_bytes(quantization, wide=wide)
        for found, count in self.layer_counts:
            attention, mlp = _widths(found, chosen, wide)
            whole = found.replicated_parameters * attention + found.router_parameters * wide
            extra = whole * (tensor_parallel - 1) + found.key_value_parameters * attention * repeated
            total += count * (extra + found.expert_parameters * mlp * padding)
        return total / tensor_parallel + self._rotary_bytes(wide)

    @property
    def checkpoint_gib(self) -> float:
        """Size of the files as published: what a cache holds and a start reads."""
        return self.weight_bytes() / GIB

    def _expert_padding(self, quantization: str | None, tensor_parallel: int) -> float:
        """The share that MXFP4 kernels add to the experts of each GPU."""
        if self.format(quantization).bytes_per_weight != MXFP4_BYTES or self.expert_width is None:
            return 0.0
        width = self.expert_width / tensor_parallel
        padded = _multiple(width, MXFP4_EXPERT_MULTIPLE) * _multiple(self.hidden_size, MXFP4_HIDDEN_MULTIPLE)
        return padded / (width * self.hidden_size) - 1.0

    def _rotary_bytes(self, wide: float) -> float:
        """Cosines and sines of every position, on each GPU (2.5 GiB for Llama 4 Scout, measured)."""
        return wide * self.rotary_positions * (self.latent.rope_dimension if self.latent else self.head_dimension)


def from_config(config: Mapping[str, object]) -> Architecture:
    """Count a model.

    Raises:
        ArchitectureError: an unknown model type, a missing field, or an impossible number.
    """
    text = section(config, "text_config") or config
    kind = text.get("model_type", config.get("model_type"))
    if not isinstance(kind, str) or kind not in KNOWN:
        raise ArchitectureError(f"model_type {kind!r} is not one that is counted here: {', '.join(sorted(KNOWN))}")
    heads, hidden, layers = number(text, "num_attention_heads"), number(text, "hidden_size"), number(text, "num_hidden_layers")
    if layers > MOST_LAYERS:
        raise ArchitectureError(f"num_hidden_layers {layers} is more than any model has")
    kv_heads = number(text, "num_key_value_heads", heads)
    if kv_heads == 0 or heads % kv_heads:
        raise ArchitectureError(f"num_attention_heads {heads} is no multiple of num_key_value_heads {kv_heads}")
    head_dimension = number(text, "head_dim", hidden // heads)
    if head_dimension == 0:
        raise ArchitectureError(f"hidden_size {hidden} is below num_attention_heads {heads}")
    latent = None
    if "kv_lora_rank" in text:
        latent = LatentAttention(kv_lora_rank=number(text, "kv_lora_rank"), rope_dimension=number(text, "qk_rope_head_dim"))
    checkpoint = checkpoint_format(config, text)
    positions = number(text, "max_position_embeddings")
    return Architecture(
        model_type=kind,
        layers=tuple(layer(text, kind, index, checkpoint) for index in range(layers)),
        hidden_size=hidden,
        intermediate_size=number(text, "intermediate_size"),
        expert_width=expert_width(text) if kind in EXPERTS else None,
        vocabulary=number(text, "vocab_size"),
        heads=heads,
        kv_heads=kv_heads,
        head_dimension=head_dimension,
        max_position_embeddings=positions,
        rotary_positions=int(positions * linear_scaling(text)),
        tied_embeddings=_tied(config, text, kind),
        latent=latent,
        vision_parameters=vision_parameters(config),
        checkpoint=checkpoint,
    )


def _widths(found: Layer, chosen: CheckpointFormat, wide: float) -> tuple[float, float]:
    """Bytes of one weight of the attention block and of the MLP."""
    small = wide if chosen.method is None else chosen.bytes_per_weight
    return wide if found.attention_16bit else small, wide if found.mlp_16bit else small


def _multiple(value: float, step: int) -> int:
    return int(-(-value // step)) * step


def _tied(config: Section, text: Section, kind: str) -> bool:
    said = text.get("tie_word_embeddings", config.get("tie_word_embeddings"))
    return kind in TIED if said is None else said is True
