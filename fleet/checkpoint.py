"""How a checkpoint keeps its weights: the quantisation in its config.json, and the bytes of one weight under each."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import cast

from fleet.config_fields import LARGEST, ArchitectureError, Section, flag, number, numbers, section, words
from fleet.module_patterns import Patterns, compiled

FAMILIES = {
    "awq": ("awq", "awq_marlin", "auto_awq"),
    "gptq": ("gptq", "gptq_marlin", "auto_gptq"),
    "fp8": ("fp8",),
    "fbgemm_fp8": ("fbgemm_fp8",),
    "mxfp4": ("mxfp4", "gpt_oss_mxfp4"),
    "compressed-tensors": ("compressed-tensors",),
    "modelopt": ("modelopt", "modelopt_fp8"),
    "modelopt_fp4": ("modelopt_fp4", "nvfp4"),
    "inc": ("inc", "auto-round", "auto_round"),
    "quark": ("quark",),
}
"""Formats whose size is known here, with the names vLLM 0.33 and the files have for each."""

ONLINE_METHODS = ("fp8", "fp8_per_tensor", "fp8_per_block")
"""What can be applied to a 16-bit checkpoint while it is loaded; `fp8` is the older name of the second."""

MXFP4_BYTES = 0.5 + 1 / 32
"""Four bits, and one byte of scale for 32 weights (OCP Microscaling Formats 1.0)."""

NVFP4_BYTES = 0.5 + 1 / 16
"""Four bits, and one byte of scale for 16 weights."""

SCALE_BYTES = 2
"""Of a 16-bit scale, one per group of weights."""


@dataclass(frozen=True, kw_only=True)
class CheckpointFormat:
    """The `quantization_config` of a checkpoint. `method` None means 16 bits."""

    method: str | None = None
    bits: int = 16
    weight_bytes: float = 2.0
    """Of a quantised weight, with its share of scales and zero points."""
    group_size: int | None = None
    """Weights that share a scale along the input; None: a whole channel."""
    block: int | None = None
    """Side of the square blocks of an fp8 checkpoint that share a scale; None: larger units."""
    kept: Patterns = field(default_factory=Patterns)
    """Modules left in 16 bits."""
    targets: tuple[tuple[Patterns, float], ...] = ()
    """Where groups of modules differ: the modules of each and the bytes of their weights; what no group names stays in 16 bits."""
    experts_only: bool = False
    """MXFP4 of gpt-oss: attention, embeddings and head stay in 16 bits whatever the file lists."""
    head: bool = False
    """Whether the output head is quantised too."""
    fp8: bool = False
    """Whether weights are 8-bit floats, which GPUs with fp8 units multiply as they are."""
    cache_bytes: int | None = None
    """Of one element of the KV cache, where the checkpoint brings scales for it."""

    @property
    def bytes_per_weight(self) -> float:
        """Of a quantised weight; the widest where groups differ."""
        return self.weight_bytes

    @property
    def padded(self) -> bool:
        """Whether the kernels of the experts pad their matrices (MXFP4)."""
        return self.method in FAMILIES["mxfp4"]

    @property
    def partition_multiple(self) -> int | None:
        """What the share of a matrix on each GPU must be a multiple of, or None: scales are not cut (vLLM refuses it)."""
        return self.block or (self.group_size if self.method in FAMILIES["awq"] + FAMILIES["gptq"] else None)

    @property
    def same_in_all_layers(self) -> bool:
        """Whether a matrix has the same format in every layer."""
        return self.kept.same_in_all_layers and all(names.same_in_all_layers for names, _ in self.targets)

    def module_bytes(self, module: str, *, experts: bool) -> float | None:
        """Bytes of one weight of this matrix, None for 16 bits."""
        if self.method is None or (self.experts_only and not experts) or self.kept.hold(module):
            return None
        return next((size for names, size in self.targets if names.hold(module)), None) if self.targets else self.weight_bytes


def checkpoint_format(config: Section, text: Section) -> CheckpointFormat:
    """The format that a config.json declares, at its top or beside the text model.

    Raises:
        ArchitectureError: it does not say what sizing needs.
    """
    found = section(config, "quantization_config") or section(text, "quantization_config") or section(config, "compression_config")
    if found is None:
        return CheckpointFormat()
    method = found.get("quant_method")
    if not isinstance(method, str):
        raise ArchitectureError("quantization_config does not say its quant_method")
    kept = Patterns(names=_kept(found))
    cache = _cache_bytes(found)
    if method == "compressed-tensors":
        targets = _groups(found)
        widest = max(size for _, size in targets)
        same = len({size for _, size in targets}) == 1 and any(names.everything for names, _ in targets)
        shape = CheckpointFormat(method=method, bits=round(widest * 8), weight_bytes=widest, targets=() if same else targets, fp8=_any_fp8(found))
    elif method in FAMILIES["awq"] + FAMILIES["gptq"] + FAMILIES["inc"]:
        bits, group = _bits(found), _group(found)
        size = bits / 8 + ((SCALE_BYTES + bits / 8) / group if group else 0.0)
        shape = CheckpointFormat(method=method, bits=bits, group_size=group, weight_bytes=size, head=flag(found, "lm_head"))
    elif method in FAMILIES["mxfp4"]:
        shape = CheckpointFormat(method=method, bits=4, weight_bytes=MXFP4_BYTES, experts_only=True)
    elif method in (*FAMILIES["modelopt"], *FAMILIES["modelopt_fp4"], "quark"):
        size = _named_bytes(method, found)
        shape = CheckpointFormat(method=method, bits=round(size * 8), weight_bytes=size, fp8=size == 1.0)
    else:
        sides = numbers(found, "weight_block_size")
        shape = CheckpointFormat(method=method, bits=8, weight_bytes=1.0, block=max(sides, default=0) or None, fp8="fp8" in method)
    return replace(shape, kept=kept, cache_bytes=cache)


def explicit_format(method: str) -> CheckpointFormat:
    """A 16-bit checkpoint under a method named by hand: applied while loading, or a build of the usual layout."""
    if method in ONLINE_METHODS:
        return CheckpointFormat(method="fp8", bits=8, weight_bytes=1.0, block=128 if method == "fp8_per_block" else None, fp8=True)
    if method in FAMILIES["awq"] + FAMILIES["gptq"]:
        return CheckpointFormat(method=method, bits=4, group_size=128, weight_bytes=0.5 + (SCALE_BYTES + 0.5) / 128)
    if method in FAMILIES["mxfp4"]:
        return CheckpointFormat(method=method, bits=4, weight_bytes=MXFP4_BYTES, experts_only=True)
    size = NVFP4_BYTES if method in FAMILIES["modelopt_fp4"] else 1.0
    return CheckpointFormat(method=method, bits=round(size * 8), weight_bytes=size, fp8=size == 1.0)


def family(method: str) -> str:
    """The format behind a name of vLLM's: awq_marlin is a way to compute awq."""
    return next((name for name, names in FAMILIES.items() if method in names), method)


def _kept(found: Section) -> tuple[str, ...]:
    """Every list of exceptions that the formats know."""
    lists = ("modules_to_not_convert", "ignore", "ignored_layers", "exclude_modules", "exclude")
    kept = [pattern for key in lists for pattern in words(found, key)]
    for pattern, change in (section(found, "dynamic") or {}).items():  # GPTQ: "-:" leaves modules out
        if not pattern.startswith("-:"):
            raise ArchitectureError(f"quantization_config gives {pattern!r} of its own bits, which is not counted here: {str(change)[:40]}")
        kept.append("re:" + pattern.removeprefix("-:"))
    for name, change in (section(found, "extra_config") or {}).items():  # auto-round: bits per module
        if isinstance(change, dict) and cast("Section", change).get("bits", 16) == 16:
            kept.append("re:.*" + name)
    for pattern in kept:
        compiled(pattern)
    return tuple(kept)


def _cache_bytes(found: Section) -> int | None:
    scheme = section(found, "kv_cache_scheme") or {}
    algorithm = found.get("kv_cache_quant_algo")
    return 1 if scheme.get("num_bits") == 8 or (isinstance(algorithm, str) and algorithm.upper() == "FP8") else None


def _bits(found: Section) -> int:
    bits = number(found, "bits", 0) or number(found, "w_bit", 0)
    if bits not in (2, 3, 4, 8):
        raise ArchitectureError("quantization_config does not say its bits (2, 3, 4 or 8)")
    return bits


def _group(found: Section) -> int | None:
    value = found.get("group_size", found.get("q_group_size"))
    if not isinstance(value, int) or isinstance(value, bool) or value == 0 or value > LARGEST:
        raise ArchitectureError("quantization_config does not say its group_size")
    return value if value > 0 else None


def _named_bytes(method: str, found: Section) -> float:
    """Of ModelOpt and Quark, which name the format of the weights."""
    if method == "quark":
        weight = section(section(found, "global_quant_config") or {}, "weight") or {}
        said, known = weight.get("dtype"), {"fp8_e4m3": 1.0, "int8": 1.0, "fp4": MXFP4_BYTES, "mxfp4": MXFP4_BYTES, "int4": 0.5 + 2 / 128}
        if section(found, "layer_quant_config"):
            raise ArchitectureError("quantization_config has a layer_quant_config, whose mixture is not counted here")
    else:
        said = found.get("quant_algo") or ("NVFP4" if method in FAMILIES["modelopt_fp4"] else None)
        known = {"FP8": 1.0, "FP8_PER_CHANNEL_PER_TOKEN": 1.0, "FP8_PB_WO": 1.0, "NVFP4": NVFP4_BYTES, "MXFP8": 1 + 1 / 32}
    if not isinstance(said, str) or said not in known:
        raise ArchitectureError(f"quantization_config of {method} says {said!r}, which is none of {', '.join(known)}")
    return known[said]


def _groups(found: Section) -> tuple[tuple[Patterns, float], ...]:
    """Modules and bytes of a weight of every group of a compressed-tensors checkpoint."""
    groups: list[tuple[Patterns, float]] = []
    for group in (section(found, "config_groups") or {}).values():
        if not isinstance(group, dict):
            continue
        named = cast("Section", group)
        weights = section(named, "weights")
        if weights is not None:
            groups.append((Patterns(names=words(named, "targets") or ("Linear",)), _weight_bytes(weights)))
    if not groups:
        raise ArchitectureError("quantization_config has no config_groups that say the bits of the weights")
    return tuple(groups)


def _any_fp8(found: Section) -> bool:
    groups = (section(found, "config_groups") or {}).values()
    weights = [section(cast("Section", group), "weights") or {} for group in groups if isinstance(group, dict)]
    return any(one.get("num_bits") == 8 and one.get("type") == "float" for one in weights)


def _weight_bytes(weights: Section) -> float:
    bits, size = number(weights, "num_bits"), weights.get("group_size")
    group = size if isinstance(size, int) and not isinstance(size, bool) and 0 < size <= LARGEST else None
    if bits > 16:
        raise ArchitectureError(f"quantization_config says num_bits {bits}, more than 16")
    if weights.get("type") == "float" and bits == 4:
        return 0.5 + 1 / (group or 16)
    zero_point = 0 if weights.get("symmetric", True) else bits / 8
    return bits / 8 + ((SCALE_BYTES + zero_point) / group if group else 0.0)
