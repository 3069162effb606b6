"""Tables of cosines and sines, one row per position, which vLLM keeps whole on every GPU."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import cast

from fleet.config_fields import Section, number, section, share
from fleet.families import Family
from fleet.layers import Layer

LARGEST_SCALING = 1000
"""No model stretches its positions further; Gemma 3 does it eightfold."""

GEMMA3_SCALING = 8.0
"""Linear scaling of the full layers of Gemma 3 with images (4B, 12B, 27B); their table is 0.5 GiB for the 4B (vLLM 0.19 log)."""


@dataclass(frozen=True, kw_only=True)
class RotaryTable:
    """One table: `vllm.model_executor.layers.rotary_embedding` caches it per distinct setting, in the model's dtype."""

    positions: int
    dimension: int


def rotary_tables(config: Section, text: Section, kind: str, family: Family, layers: Iterable[Layer], positions: int) -> tuple[RotaryTable, ...]:
    """Every table that the layers need: one per kind of attention where they differ."""
    if not family.rotary or text.get("alibi") is True:
        return ()
    factor = share(_parameters(text), "partial_rotary_factor", share(text, "partial_rotary_factor", family.rotary))
    found: set[tuple[bool, RotaryTable]] = set()
    separate = kind in ("gemma3_text", "gemma4_text", "modernbert")  # windowed layers have settings of their own
    for layer in layers:
        if layer.kind in ("linear", "none"):
            continue
        windowed = separate and layer.kind == "sliding"
        size = layer.latent.rope_dimension if layer.latent else layer.head_dimension
        rotated = size if layer.latent or kind == "gemma4_text" else int(size * factor)
        stretched = 1.0 if windowed else _scaling(config, text, kind)
        found.add((windowed, RotaryTable(positions=int(positions * stretched), dimension=rotated)))
    return tuple(table for _, table in sorted(found, key=lambda pair: (pair[0], pair[1].positions, pair[1].dimension)))


def longest_context(text: Section, kind: str, positions: int) -> int:
    """Positions that the model is made for: stretched ones too, as vLLM derives its longest context from them.

    Gemma 3 says the stretched number itself, and so do models with the scaling of Llama 3 and Phi ("longrope").
    """
    scaling = _parameters(text)
    factor, said = scaling.get("factor"), scaling.get("rope_type", scaling.get("type"))
    if said not in ("yarn", "linear", "dynamic", "ntk") or kind in ("gemma3_text", "gemma4_text"):
        return positions
    if not isinstance(factor, int | float) or isinstance(factor, bool) or not 1 <= factor <= LARGEST_SCALING:
        return positions
    original = number(scaling, "original_max_position_embeddings", positions)
    return max(positions, int((original if said == "yarn" else positions) * factor))


def _parameters(text: Section) -> Section:
    """`rope_parameters` of newer files, `rope_scaling` of older ones; the full layers' where each kind has its own."""
    for key in ("rope_parameters", "rope_scaling"):
        if isinstance(text.get(key), Mapping):
            found = section(text, key) or {}
            nested = found.get("full_attention")
            return cast("Section", nested) if isinstance(nested, Mapping) else found
    return {}


def _scaling(config: Section, text: Section, kind: str) -> float:
    """The factor by which the table of Gemma 3's full layers is longer than the positions; those of others are stretched already."""
    if kind != "gemma3_text":
        return 1.0
    factor = _parameters(text).get("factor")
    if factor is None:
        return GEMMA3_SCALING if section(config, "vision_config") and text.get("rope_scaling") is None else 1.0
    return float(factor) if isinstance(factor, int | float) and not isinstance(factor, bool) and 1 <= factor <= LARGEST_SCALING else 1.0
