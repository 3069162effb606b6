"""Bytes of a model's weights: in the files, and on each GPU by what they are."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

from fleet.checkpoint import CheckpointFormat
from fleet.parts import Part

if TYPE_CHECKING:
    from fleet.architecture import Architecture

VOCABULARY_MULTIPLE = 64
"""vLLM pads embeddings and head to it before it divides them (`DEFAULT_VOCAB_PADDING_SIZE`)."""

MXFP4_OUTER_MULTIPLE, MXFP4_INNER_MULTIPLE = 256, 128
"""Marlin pads the experts of gpt-oss-120b from 2880 × 2880 to 3072 × 2944: 60.8 GiB of files become 65.97 GiB (vLLM issue 23278)."""

QUANTISED, SIXTEEN, EMBEDDINGS = "quantised layers", "16-bit layers", "embeddings and head"
REPEATED, PADDING, ROTARY = "repeated on every GPU", "kernel padding", "rotary tables"
TOWERS, COPIES = "image and audio towers", "made while loading"


@dataclass(frozen=True, kw_only=True)
class Sized:
    """Equal parts of several layers."""

    part: Part
    key_value_heads: int
    checkpoint_bytes: float | None
    """Of one weight as the checkpoint keeps it; None: 16 bits."""
    count: int

    def size(self, chosen: CheckpointFormat, checkpoint: CheckpointFormat, wide: float) -> float:
        """Bytes of one weight in memory."""
        if chosen.method is None or not self.part.linear:
            return wide
        found = self.checkpoint_bytes if chosen is checkpoint else chosen.module_bytes(self.part.name, experts=self.part.experts > 0)
        return wide if found is None else found


def sized_parts(shape: Architecture) -> tuple[Sized, ...]:
    """Every part of every layer, equal ones together."""
    counts: Counter[tuple[Part, int, float | None]] = Counter()
    known: dict[tuple[str, bool], float | None] = {}
    same, checkpoint = shape.checkpoint.same_in_all_layers, shape.checkpoint
    for index, layer in enumerate(shape.layers):
        for part in layer.parts:
            size = None
            if part.linear and checkpoint.method:
                key = (f"layers.{0 if same else index}.{part.name}", part.experts > 0)
                if key not in known:
                    known[key] = checkpoint.module_bytes(key[0], experts=key[1])
                size = known[key]
            counts[part, layer.key_value_heads, size] += 1
    return tuple(Sized(part=part, key_value_heads=heads, checkpoint_bytes=size, count=count) for (part, heads, size), count in counts.items())


def file_bytes(shape: Architecture, quantization: str | None, wide: float) -> float:
    """As published files keep them."""
    chosen = shape.format(quantization)
    total = wide * (shape.embedding_parameters + shape.vision_parameters + shape.hidden_size)
    for sized in shape.sized_parts:
        if sized.part.published:
            total += sized.count * sized.part.parameters * sized.size(chosen, shape.checkpoint, wide)
    return total - _head_saving(shape, chosen, wide)


def gpu_bytes(shape: Architecture, quantization: str | None, tensor_parallel: int, wide: float) -> dict[str, float]:
    """On each GPU, by what they are; the sum is what vLLM logs as "Model loading took"."""
    found: dict[str, float] = dict.fromkeys((QUANTISED, SIXTEEN, EMBEDDINGS, TOWERS, REPEATED, COPIES, PADDING, ROTARY), 0.0)
    chosen, even = shape.format(quantization), 1 / tensor_parallel
    for sized in shape.sized_parts:
        part, size = sized.part, sized.size(chosen, shape.checkpoint, wide)
        one = sized.count * part.parameters * size
        held = 1.0 if part.spread == "repeated" else even
        if part.spread == "key_value" and sized.key_value_heads:
            held = max(even, 1 / sized.key_value_heads)
        if part.published:
            found[SIXTEEN if size == wide else QUANTISED] += one * even
            found[REPEATED] += one * (held - even)
        else:
            found[COPIES] += one * held
        found[PADDING] += one * even * _padding(part, chosen, tensor_parallel)
    padded = -(-shape.vocabulary // VOCABULARY_MULTIPLE) * VOCABULARY_MULTIPLE
    tables = padded * shape.hidden_size * (1 if shape.tied_embeddings else 2)
    found[EMBEDDINGS] = (wide * (tables + shape.extra_embeddings) - _head_saving(shape, chosen, wide)) * even
    found[TOWERS] = wide * shape.vision_parameters * even
    found[REPEATED] += wide * shape.hidden_size
    found[ROTARY] = wide * sum(table.positions * table.dimension for table in shape.rotary)
    return found


def _head_saving(shape: Architecture, chosen: CheckpointFormat, wide: float) -> float:
    """What a quantised output head takes less than one in 16 bits."""
    return shape.vocabulary * shape.hidden_size * (wide - chosen.weight_bytes) if chosen.head and not shape.tied_embeddings else 0.0


def _padding(part: Part, chosen: CheckpointFormat, tensor_parallel: int) -> float:
    """The share that MXFP4 kernels add to the experts of each GPU."""
    if not part.experts or not chosen.padded:
        return 0.0
    width = part.inner / tensor_parallel
    padded = _multiple(width, MXFP4_INNER_MULTIPLE) * _multiple(part.outer, MXFP4_OUTER_MULTIPLE)
    return padded / (width * part.outer) - 1.0


def _multiple(value: float, step: int) -> int:
    return int(-(-value // step)) * step
