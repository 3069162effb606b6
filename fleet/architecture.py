"""A model's shape from its Hugging Face `config.json`: layers, heads and parameters, counted, never guessed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

from fleet.attention import LatentAttention, latent_of
from fleet.checkpoint import CheckpointFormat, checkpoint_format, explicit_format
from fleet.config_fields import MOST_LAYERS, ArchitectureError, Section, flag, number, section, words
from fleet.families import Family, text_model
from fleet.feed_forward import dense_width, expert_count, expert_width, experts_per_token
from fleet.layers import Layer, layer, per_layer_inputs
from fleet.rotary import RotaryTable, longest_context, rotary_tables
from fleet.towers import sees_images, tower_parameters
from fleet.weights import Sized, file_bytes, gpu_bytes, sized_parts

__all__ = ["GIB", "Architecture", "ArchitectureError", "LatentAttention", "from_config"]

GIB = 1024**3

UNLIMITED = 2**20
"""Positions of a model that has no table of them and whose file names no limit (Mamba)."""


@dataclass(frozen=True, kw_only=True)
class Architecture:
    """What sizing needs of a model. Parameter counts are numbers of weights; sizes in bytes follow from the quantisation."""

    model_type: str
    layers: tuple[Layer, ...]
    hidden_size: int
    intermediate_size: int
    """Of a dense MLP; 0 where there is none."""
    expert_width: int | None
    experts_per_token: int
    vocabulary: int
    heads: int
    kv_heads: int
    head_dimension: int
    max_position_embeddings: int
    rotary: tuple[RotaryTable, ...]
    tied_embeddings: bool
    latent: LatentAttention | None
    vision_parameters: int
    """Of every tower and projector."""
    images: bool
    """Whether the engine profiles itself with images."""
    extra_embeddings: int
    """Learned positions and token types, or embeddings per layer."""
    checkpoint: CheckpointFormat

    @property
    def checkpoint_quantization(self) -> str | None:
        """`quant_method` of the checkpoint, None for 16 bits."""
        return self.checkpoint.method

    @property
    def dense(self) -> bool:
        """Whether no layer has experts."""
        return self.expert_width is None

    @property
    def embedding_parameters(self) -> int:
        """Token embeddings and the output head, which quantisations leave in 16 bits unless a checkpoint says otherwise."""
        return self.vocabulary * self.hidden_size * (1 if self.tied_embeddings else 2) + self.extra_embeddings

    @cached_property
    def parameters(self) -> int:
        """All of them."""
        return sum(found.parameters for found in self.layers) + self.embedding_parameters + self.vision_parameters + self.hidden_size

    @cached_property
    def layer_counts(self) -> tuple[tuple[Layer, int], ...]:
        """Each kind of layer once, with how many there are."""
        return tuple(Counter(self.layers).items())

    @cached_property
    def sized_parts(self) -> tuple[Sized, ...]:
        """Every part of the layers, equal ones together."""
        return sized_parts(self)

    def format(self, quantization: str | None) -> CheckpointFormat:
        """The format in memory: the checkpoint's own, or the method named for one in 16 bits."""
        return self.checkpoint if self.checkpoint.method or quantization is None else explicit_format(quantization)

    def weight_bytes(self, quantization: str | None = None, *, wide: float = 2.0) -> float:
        """Bytes of all weights, as published files keep them.

        Args:
            quantization: a method applied to a 16-bit checkpoint.
            wide: bytes of a weight that is not quantised: 2, or 4 for dtype float32.
        """
        return file_bytes(self, quantization, wide)

    def gpu_weight_bytes(self, quantization: str | None, tensor_parallel: int, *, wide: float = 2.0) -> float:
        """Bytes of weights on each GPU: its share, what every GPU repeats, kernel padding and the rotary table."""
        return sum(self.gpu_weight_parts(quantization, tensor_parallel, wide=wide).values())

    def gpu_weight_parts(self, quantization: str | None, tensor_parallel: int, *, wide: float = 2.0) -> dict[str, float]:
        """The same by what they are."""
        key = (quantization, tensor_parallel, wide)
        if key not in self._gpu_parts:
            self._gpu_parts[key] = gpu_bytes(self, quantization, tensor_parallel, wide)
        return self._gpu_parts[key]

    @cached_property
    def _gpu_parts(self) -> dict[tuple[str | None, int, float], dict[str, float]]:
        """What was asked for already: a whole catalogue asks the same of one model many times."""
        return {}

    @property
    def checkpoint_gib(self) -> float:
        """Size of the files as published: what a cache holds and a start reads."""
        return self.weight_bytes() / GIB


def from_config(config: Mapping[str, object]) -> Architecture:
    """Count a model.

    Raises:
        ArchitectureError: an unknown model type, a missing field, or an impossible number.
    """
    text, kind, family = text_model(config)
    count = _layer_count(text)
    checkpoint = checkpoint_format(config, text)
    layers = tuple(layer(text, kind, family, index) for index in range(count))
    attention = next((found for found in layers if found.kind not in ("linear", "none")), None)
    sparse = expert_count(text) > 0
    heads = number(text, "num_attention_heads") if attention else 1
    said = number(text, "max_position_embeddings", None if family.rotary or family.learned_positions else UNLIMITED)
    positions = longest_context(text, kind, said)
    hidden = number(text, "hidden_size")
    return Architecture(
        model_type=kind,
        layers=layers,
        hidden_size=hidden,
        intermediate_size=0 if family.experts == "all" or kind.endswith("mamba") else _dense_width(text, kind, family),
        expert_width=expert_width(text) if sparse else None,
        experts_per_token=experts_per_token(text),
        vocabulary=number(text, "vocab_size"),
        heads=heads,
        kv_heads=(attention.key_value_heads or heads) if attention else 1,
        head_dimension=attention.head_dimension if attention else 1,
        max_position_embeddings=positions,
        rotary=rotary_tables(config, text, kind, family, layers, positions),
        tied_embeddings=_tied(config, text, family),
        latent=latent_of(text),
        vision_parameters=tower_parameters(config, hidden),
        images=sees_images(config),
        extra_embeddings=_extra_embeddings(text, kind, family, count, positions),
        checkpoint=checkpoint,
    )


def _layer_count(text: Section) -> int:
    pattern = text.get("hybrid_override_pattern")
    listed = len(pattern) if isinstance(pattern, str) else len(words(text, "layer_types"))
    layers = number(text, "num_hidden_layers", listed or None)
    if layers > MOST_LAYERS:
        raise ArchitectureError(f"num_hidden_layers {layers} is more than any model has")
    return layers


def _dense_width(text: Section, kind: str, family: Family) -> int:
    if family.experts == "sparse" and text.get("intermediate_size") is None:
        return 0
    return dense_width(text, kind, family)


def _extra_embeddings(text: Section, kind: str, family: Family, layers: int, positions: int) -> int:
    hidden = number(text, "hidden_size")
    if kind == "gemma4_text":
        inputs = layers * per_layer_inputs(text)
        return number(text, "vocab_size_per_layer_input", number(text, "vocab_size")) * inputs + hidden * inputs
    return (positions + number(text, "type_vocab_size", 0)) * hidden if family.learned_positions else 0


def _tied(config: Section, text: Section, family: Family) -> bool:
    if text.get("tie_word_embeddings") is not None:
        return flag(text, "tie_word_embeddings")
    if text.get("tie_embedding") is not None:
        return flag(text, "tie_embedding")
    # A wrapper's own default says nothing of a nested text model that leaves the field out.
    return flag(config, "tie_word_embeddings", default=family.tied) or (family.tied and section(config, "text_config") is not None)
