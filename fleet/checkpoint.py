"""How a checkpoint keeps its weights: the quantisation in its config.json, and the bytes of one weight under each."""

from __future__ import annotations

import re
from dataclasses import dataclass
from fnmatch import fnmatch
from typing import cast

from fleet.config_fields import ArchitectureError, Section, number, numbers, section, words

FAMILIES = {
    "awq": ("awq", "awq_marlin", "auto_awq"),
    "gptq": ("gptq", "gptq_marlin", "auto_gptq"),
    "fp8": ("fp8",),
    "fbgemm_fp8": ("fbgemm_fp8",),
    "mxfp4": ("mxfp4", "gpt_oss_mxfp4"),
    "compressed-tensors": ("compressed-tensors",),
}
"""Formats whose size is known here, with the names vLLM 0.33 has for each."""

ONLINE_METHODS = ("fp8", "fp8_per_tensor", "fp8_per_block")
"""What can be applied to a 16-bit checkpoint while it is loaded; `fp8` is the older name of the second."""

MXFP4_BYTES = 0.5 + 1 / 32
"""Four bits, and one byte of scale for 32 weights."""

SCALES_BYTES = 2.5
"""Per group of a 4-bit format: a 16-bit scale and a packed zero point (vLLM's own layouts)."""


@dataclass(frozen=True, kw_only=True)
class CheckpointFormat:
    """The `quantization_config` of a checkpoint. `method` None means 16 bits."""

    method: str | None = None
    bits: int = 16
    group_size: int | None = None
    """Weights that share a scale along the input; None: a whole channel."""
    block: int | None = None
    """Side of the square blocks of an fp8 checkpoint that share a scale; None: larger units."""
    kept_16bit: tuple[str, ...] = ()
    """Patterns of modules left in 16 bits."""

    @property
    def bytes_per_weight(self) -> float:
        """Of a quantised weight, with its share of scales and zero points."""
        if self.method is None:
            return 2.0
        if self.method in FAMILIES["mxfp4"]:
            return MXFP4_BYTES
        if self.method in FAMILIES["fp8"] + FAMILIES["fbgemm_fp8"]:
            return 1.0
        return self.bits / 8 + (SCALES_BYTES / self.group_size if self.group_size else 0.0)

    @property
    def partition_multiple(self) -> int | None:
        """What the share of a matrix on each GPU must be a multiple of, or None: scales are not cut (vLLM refuses it)."""
        return self.block or (self.group_size if self.method in FAMILIES["awq"] + FAMILIES["gptq"] else None)

    def keeps_16bit(self, module: str) -> bool:
        """Whether this module ("model.layers.3.mlp"), or a projection inside it, is left in 16 bits."""
        return any(_matches(pattern, module) for pattern in self.kept_16bit)


def checkpoint_format(config: Section, text: Section) -> CheckpointFormat:
    """The format that a config.json declares, at its top or beside the text model.

    Raises:
        ArchitectureError: it does not say what sizing needs.
    """
    found = section(config, "quantization_config") or section(text, "quantization_config")
    if found is None:
        return CheckpointFormat()
    method = found.get("quant_method")
    if not isinstance(method, str):
        raise ArchitectureError("quantization_config does not say its quant_method")
    kept = (*words(found, "modules_to_not_convert"), *words(found, "ignore"))
    for pattern in kept:
        _compiled(pattern)
    if method == "compressed-tensors":
        bits, group = _compressed(found)
        return CheckpointFormat(method=method, bits=bits, group_size=group, kept_16bit=kept)
    if method in FAMILIES["awq"] + FAMILIES["gptq"]:
        return CheckpointFormat(method=method, bits=_bits(found), group_size=_group(found), kept_16bit=kept)
    sides = numbers(found, "weight_block_size")
    return CheckpointFormat(method=method, bits=8, block=max(sides, default=0) or None, kept_16bit=kept)


def explicit_format(method: str) -> CheckpointFormat:
    """A 16-bit checkpoint under a method named by hand: applied while loading, or a build of the usual layout."""
    if method in ONLINE_METHODS:
        return CheckpointFormat(method="fp8", bits=8, block=128 if method == "fp8_per_block" else None)
    if method in FAMILIES["awq"] + FAMILIES["gptq"]:
        return CheckpointFormat(method=method, bits=4, group_size=128)
    return CheckpointFormat(method=method, bits=8)


def family(method: str) -> str:
    """The format behind a name of vLLM's: awq_marlin is a way to compute awq."""
    return next((name for name, names in FAMILIES.items() if method in names), method)


def _bits(found: Section) -> int:
    bits = number(found, "bits", 0) or number(found, "w_bit", 0)
    if bits not in (2, 3, 4, 8):
        raise ArchitectureError("quantization_config does not say its bits (2, 3, 4 or 8)")
    return bits


def _group(found: Section) -> int | None:
    value = found.get("group_size", found.get("q_group_size"))
    if not isinstance(value, int) or isinstance(value, bool) or value == 0:
        raise ArchitectureError("quantization_config does not say its group_size")
    return value if value > 0 else None


def _compressed(found: Section) -> tuple[int, int | None]:
    """(bits, group) of the widest group of layers: what is mixed is sized as its largest part."""
    groups = section(found, "config_groups") or {}
    widest: tuple[int, int | None] | None = None
    for group in groups.values():
        weights = section(cast("Section", group), "weights") if isinstance(group, dict) else None
        if weights is None:
            continue
        bits = number(weights, "num_bits")
        size = weights.get("group_size")
        chosen = bits, size if isinstance(size, int) and size > 0 else None
        widest = chosen if widest is None or bits > widest[0] else widest
    if widest is None:
        raise ArchitectureError("quantization_config has no config_groups that say the bits of the weights")
    return widest


def _compiled(pattern: str) -> re.Pattern[str] | None:
    if not pattern.startswith("re:"):
        return None
    try:
        return re.compile(pattern.removeprefix("re:"))
    except re.error:
        raise ArchitectureError(f"quantization_config names modules by {pattern!r}, which is no regular expression") from None


def _matches(pattern: str, module: str) -> bool:
    expression = _compiled(pattern)
    if expression is not None:
        return any(expression.match(name) for name in (module, f"{module}.q_proj", f"{module}.down_proj"))
    if fnmatch(module, pattern) or fnmatch(module, f"{pattern}.*") or fnmatch(module, f"*.{pattern}"):
        return True
    # One projection in 16 bits counts the module as a whole: too much rather than too little.
    parent, _, last = pattern.rpartition(".")
    return last.endswith("_proj") and fnmatch(module, parent)
