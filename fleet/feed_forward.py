"""MLPs and experts of one layer: weights, and which layers have experts."""

from __future__ import annotations

from fleet.config_fields import ArchitectureError, Section, flag, number, numbers
from fleet.families import Family
from fleet.parts import Part, linear, vector


def mlp_parts(text: Section, kind: str, family: Family, index: int) -> tuple[Part, ...]:
    """The feed-forward block of layer `index`.

    Raises:
        ArchitectureError: a field is missing or impossible.
    """
    if family.experts != "none" and has_experts(text, kind, family, index):
        return _expert_parts(text, kind, family)
    parts = _dense("mlp", text, family, dense_width(text, kind, family, index))
    return (*parts, *_expert_parts(text, kind, family)) if kind == "gemma4_text" and flag(text, "enable_moe_block") else parts


def dense_width(text: Section, kind: str, family: Family, index: int = 0) -> int:
    """Inner width of a dense MLP."""
    if kind == "llama4_text":
        return number(text, "intermediate_size_mlp", number(text, "intermediate_size"))
    if kind == "granitemoehybrid" and not expert_count(text):
        return number(text, "shared_expert_intermediate_size")
    width = number(text, "intermediate_size", 0) or (0 if family.gated else 4 * number(text, "hidden_size"))
    if width == 0:
        raise ArchitectureError("the field intermediate_size is missing")
    doubled = kind == "gemma4_text" and flag(text, "use_double_wide_mlp") and shares_cache(text, index)
    return width * 2 if doubled else width


def shares_cache(text: Section, index: int) -> bool:
    """Whether layer `index` reads the keys and values of an earlier one (Gemma 4 E2B and E4B)."""
    return index >= number(text, "num_hidden_layers") - number(text, "num_kv_shared_layers", 0)


def has_experts(text: Section, kind: str, family: Family, index: int) -> bool:
    """Whether layer `index` has experts, by the fields of the families that mix dense and sparse layers."""
    if not expert_count(text):
        if text.get("num_experts") == 0:
            return False
        raise ArchitectureError(f"model_type {kind!r} has experts, but no field says how many")
    if family.experts == "all":
        return True
    if kind == "jamba":
        return index % number(text, "expert_layer_period", 2) == number(text, "expert_layer_offset", 1)
    first = max(number(text, "first_k_dense_replace", 0), number(text, "moe_layer_start_index", 0))
    last = number(text, "moe_layer_end_index", number(text, "num_hidden_layers") - 1)
    return first <= index <= last and index not in numbers(text, "mlp_only_layers") and _in_step(text, index)


def _in_step(text: Section, index: int) -> bool:
    """Whether the list or the step of sparse layers names this one."""
    if isinstance(text.get("moe_layer_freq"), list):
        return numbers(text, "moe_layer_freq")[index : index + 1] != (0,)
    names = ("interleave_moe_layer_step", "decoder_sparse_step", "moe_layer_interval")
    step = next((number(text, key, 1) for key in names if text.get(key) is not None), 1)
    return step > 0 and (index + 1) % step == 0


def expert_count(text: Section) -> int:
    """Routed experts per layer, 0 for a dense model."""
    return _first(text, "num_experts", 0) or _first(text, "ffn.moe_num_experts", 0)


def expert_width(text: Section) -> int:
    """Inner width of one expert."""
    width = _first(text, "moe_intermediate_size", 0) or _first(text, "ffn.ffn_hidden_size", 0) or _first(text, "expert_ffn_hidden_size", 0)
    return width or number(text, "intermediate_size")


def experts_per_token(text: Section) -> int:
    """Routed experts that compute one token; 1 where the file does not say."""
    return _first(text, "num_experts_per_tok", 0) or _first(text, "ffn.moe_top_k", 0) or 1


def _first(text: Section, key: str, default: int) -> int:
    """A number, or the first of a list with one per layer (Hunyuan, ERNIE)."""
    return next(iter(numbers(text, key)), default) if isinstance(text.get(key), list) else number(text, key, default)


def _dense(name: str, text: Section, family: Family, width: int) -> tuple[Part, ...]:
    hidden, bias = number(text, "hidden_size"), flag(text, "mlp_bias", default=family.mlp_bias)
    names = ("gate_proj", "up_proj") if family.gated else ("up_proj",)
    ups = tuple(part for one in names for part in linear(f"{name}.{one}", hidden, width, bias=bias))
    return (*ups, *linear(f"{name}.down_proj", width, hidden, bias=bias))


def _shared_width(text: Section, kind: str) -> int:
    """Inner width of all shared experts together."""
    if kind == "llama4_text":
        return expert_width(text)
    said = number(text, "shared_expert_intermediate_size", 0)
    count = _first(text, "n_shared_experts", 0) or _first(text, "moe_num_shared_experts", 0) or _first(text, "num_shared_expert", 0)
    if kind == "hunyuan_v1_moe" and flag(text, "use_mixed_mlp_moe", default=False):
        return count * number(text, "intermediate_size")
    return said * max(1, count) if said else count * expert_width(text)


def _expert_parts(text: Section, kind: str, family: Family) -> tuple[Part, ...]:
    hidden, experts, width = number(text, "hidden_size"), expert_count(text), expert_width(text)
    outer = number(text, "moe_latent_size", hidden)
    matrices = 3 if family.gated else 2
    routed = Part(
        name="mlp.experts",
        parameters=experts * matrices * outer * width,
        experts=experts,
        inner=width,
        outer=outer,
        matrices=matrices,
    )
    parts = [routed, vector("mlp.gate", hidden * experts)]
    if outer != hidden:
        parts += linear("mlp.fc1_latent_proj", hidden, outer, spread="repeated")
        parts += linear("mlp.fc2_latent_proj", outer, hidden, spread="repeated")
    if family.mlp_bias:
        parts.append(vector("mlp.experts.bias", experts * (2 * width + hidden), spread="divided"))
    shared = _shared_width(text, kind)
    return (*parts, *_dense("mlp.shared_experts", text, family, shared)) if shared else tuple(parts)
