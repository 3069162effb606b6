"""Names of modules as quantised checkpoints list them: whole paths, parts of paths, shell patterns, regular expressions, classes."""

from __future__ import annotations

import re
from dataclasses import dataclass
from fnmatch import translate
from functools import cache, cached_property

from fleet.config_fields import ArchitectureError

CLASSES = frozenset({"Linear", "LinearBase", "FusedMoE"})
"""Targets that mean every matrix."""

_PREFIXES = ("model.", "model.language_model.", "language_model.model.", "language_model.", "backbone.", "")
"""What stands before `layers` in the files of text and multimodal models."""

_FUSED = {"q_proj": "qkv_proj", "k_proj": "qkv_proj", "v_proj": "qkv_proj", "gate_proj": "gate_up_proj", "up_proj": "gate_up_proj"}
"""vLLM's names of matrices that it loads as one."""


@dataclass(frozen=True)
class Patterns:
    """A list of modules."""

    names: tuple[str, ...] = ()

    @cached_property
    def everything(self) -> bool:
        """Whether a class stands for every matrix."""
        return any(name in CLASSES for name in self.names)

    @cached_property
    def _plain(self) -> tuple[str, ...]:
        return tuple(name for name in self.names if not name.startswith("re:") and not set(name) & set("*?["))

    @cached_property
    def _exact(self) -> frozenset[str]:
        return frozenset(self._plain)

    @cached_property
    def _partial(self) -> tuple[str, ...]:
        return tuple(f".{name}." for name in self._plain if "layers." not in name)

    @cached_property
    def _expressions(self) -> tuple[re.Pattern[str], ...]:
        return tuple(found for name in self.names if (found := compiled(name)) is not None)

    @cached_property
    def same_in_all_layers(self) -> bool:
        """Whether no name tells one layer from another: then one answer holds for all."""
        return self.everything or not any(re.search(r"\d|re:|\[|\?", name) for name in self.names)

    def hold(self, module: str) -> bool:
        """Whether the list names this module ("layers.3.mlp.gate_proj") or one that it is inside of."""
        if not self.names:
            return False
        return self.everything or any(self._name(f"{prefix}{name}") for name in _spellings(module) for prefix in _PREFIXES)

    def _name(self, path: str) -> bool:
        parents = [path]
        while "." in parents[-1]:
            parents.append(parents[-1].rpartition(".")[0])
        if any(parent in self._exact for parent in parents):
            return True
        dotted = f".{path}."
        return any(part in dotted for part in self._partial) or any(found.match(parent) for found in self._expressions for parent in parents)


def compiled(pattern: str) -> re.Pattern[str] | None:
    """The expression behind "re:…" or a shell pattern, None for a plain name.

    Raises:
        ArchitectureError: it is none.
    """
    if not pattern.startswith("re:"):
        return re.compile(translate(pattern)) if set(pattern) & set("*?[") else None
    try:
        return re.compile(pattern.removeprefix("re:"))
    except re.error:
        raise ArchitectureError(f"quantization_config names modules by {pattern!r}, which is no regular expression") from None


@cache
def _spellings(module: str) -> tuple[str, ...]:
    """The module, and what files and vLLM call it otherwise: single experts, fused matrices, other names of a block."""
    parent, _, last = module.rpartition(".")
    found = [module]
    if last in _FUSED:
        found.append(f"{parent}.{_FUSED[last]}")
    if last == "experts":
        found += [f"{module}.0.{name}" for name in ("gate_proj", "up_proj", "down_proj")]
    for ours, theirs in (("mlp.experts", "block_sparse_moe.experts"), ("mlp.shared_experts", "mlp.shared_expert"), ("mamba.", "mixer.")):
        found += [name.replace(ours, theirs) for name in found if ours in name]
    return tuple(found)
