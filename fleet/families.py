"""Model families: what a model type means where its config.json leaves it out. To add one, add a row.

Defaults are those of the configuration and modelling files of Hugging Face transformers (`models/<type>/`), which vLLM
reads the same file through. A type that is not here is refused by name rather than guessed.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from difflib import get_close_matches
from typing import Literal

from fleet.config_fields import ArchitectureError, Section, section, short

Experts = Literal["none", "all", "sparse"]
"""Whether layers have experts: never, each of them, or those that `first_k_dense_replace` and its like say."""

Windows = Literal["none", "all", "listed", "even", "sixth", "fourth", "pattern"]
"""Which layers a `sliding_window` is for where `layer_types` does not say: even ones, all but every sixth, and so on."""


@dataclass(frozen=True, kw_only=True)
class Family:
    """One model type."""

    experts: Experts = "none"
    windows: Windows = "listed"
    gated: bool = True
    """Gate, up and down projections; otherwise up and down only."""
    tied: bool = False
    """Whether output head and token embeddings are one matrix unless the file says otherwise."""
    query_bias: bool = False
    output_bias: bool = False
    mlp_bias: bool = False
    """Biases where the file does not say."""
    norms: int = 2
    """Vectors of the hidden size per layer."""
    qk_norms: bool = False
    head_dimension: int | None = None
    query_gate: bool = False
    """Whether the query projection is twice as wide, for a gate of the output (Qwen3-Next)."""
    recurrent: Literal["", "delta", "lightning", "mamba1", "mamba2", "beside"] = ""
    """Recurrent layers: gated delta rule, lightning attention, Mamba, Mamba 2, or Mamba 2 beside the attention of every layer."""
    rotary: float = 1.0
    """Share of a head that is rotated; 0: learned positions or none."""
    learned_positions: bool = False
    fields: Mapping[str, object] | None = None
    """Fields that such files leave out."""


_BERT = Family(gated=False, tied=True, query_bias=True, output_bias=True, mlp_bias=True, norms=4, rotary=0.0, learned_positions=True)
_QWEN_MOE = Family(experts="sparse", qk_norms=True, windows="none")
_DELTA = Family(
    qk_norms=True,
    query_gate=True,
    recurrent="delta",
    head_dimension=256,
    rotary=0.25,
    windows="none",
    fields={
        "full_attention_interval": 4,
        "linear_conv_kernel_dim": 4,
        "linear_key_head_dim": 128,
        "linear_value_head_dim": 128,
        "linear_num_key_heads": 16,
        "linear_num_value_heads": 32,
    },
)
_DELTA_MOE = replace(_DELTA, experts="sparse")
_LIGHTNING = Family(experts="all", windows="none", recurrent="lightning", rotary=0.5, head_dimension=128)
_LATENT_MOE = Family(experts="sparse", windows="none")
_GLM_MOE = Family(experts="sparse", query_bias=True, rotary=0.5, windows="none")
_LAYERNORM = Family(gated=False, norms=4, query_bias=True, output_bias=True, mlp_bias=True)
_GPT = replace(_LAYERNORM, tied=True, rotary=0.0, learned_positions=True)

FAMILIES: Mapping[str, Family] = {
    "llama": Family(windows="none"),
    "mistral": Family(windows="all"),
    "ministral": Family(windows="all"),
    "ministral3": Family(windows="all", tied=False),
    "mistral4": _LATENT_MOE,
    "mixtral": Family(experts="all", windows="all"),
    "qwen2": Family(query_bias=True, windows="none"),
    "mimo": Family(query_bias=True, windows="none"),
    "qwen2_vl": Family(query_bias=True, windows="none"),
    "qwen2_vl_text": Family(query_bias=True, windows="none"),
    "qwen2_5_vl": Family(query_bias=True, windows="none"),
    "qwen2_5_vl_text": Family(query_bias=True, windows="none"),
    "qwen2_5_omni_text": Family(query_bias=True, windows="none"),
    "qwen2_moe": Family(experts="sparse", query_bias=True, windows="none"),
    "qwen3": Family(qk_norms=True, head_dimension=128, windows="none"),
    "qwen3_moe": _QWEN_MOE,
    "qwen3_vl_text": Family(qk_norms=True, head_dimension=128, windows="none"),
    "qwen3_vl_moe_text": _QWEN_MOE,
    "qwen3_omni_moe_text": _QWEN_MOE,
    "qwen3_next": _DELTA_MOE,
    "qwen3_5_text": _DELTA,
    "qwen3_5_moe_text": _DELTA_MOE,
    "gemma": Family(tied=True, head_dimension=256, windows="none"),
    "gemma2": Family(tied=True, head_dimension=256, norms=4, windows="even"),
    "gemma3_text": Family(tied=True, head_dimension=256, norms=4, qk_norms=True, windows="sixth"),
    "gemma4_text": Family(tied=True, head_dimension=256, norms=4, qk_norms=True, windows="sixth"),
    "phi": Family(gated=False, query_bias=True, output_bias=True, mlp_bias=True, rotary=0.5, windows="none"),
    "phi3": Family(windows="all"),
    "phi4mm": Family(windows="none"),
    "phimoe": Family(experts="all", windows="none", norms=4),
    "deepseek": Family(experts="sparse", windows="none"),
    "deepseek_v2": _LATENT_MOE,
    "deepseek_v3": _LATENT_MOE,
    "deepseek_v32": _LATENT_MOE,
    "glm_moe_dsa": _LATENT_MOE,
    "kimi_k2": _LATENT_MOE,
    "glm": Family(query_bias=True, rotary=0.5, windows="none"),
    "glm4": Family(query_bias=True, rotary=0.5, norms=4, windows="none"),
    "glm4v_text": Family(query_bias=True, rotary=0.5, norms=4, windows="none"),
    "glm4_moe": _GLM_MOE,
    "glm4v_moe_text": _GLM_MOE,
    "glm4_moe_lite": _LATENT_MOE,
    "chatglm": Family(query_bias=True, rotary=0.5, windows="none"),
    "gpt_oss": Family(experts="all", query_bias=True, output_bias=True, mlp_bias=True),
    "llama4_text": Family(experts="sparse", windows="fourth"),
    "granite": Family(windows="none"),
    "granitemoe": Family(experts="all", windows="none"),
    "granitemoeshared": Family(experts="all", windows="none"),
    "granitemoehybrid": Family(experts="all", windows="none", recurrent="mamba2"),
    "nemotron": replace(_LAYERNORM, query_bias=False, output_bias=False, mlp_bias=False, rotary=0.5, windows="none"),
    "nemotron_h": Family(experts="sparse", gated=False, norms=1, recurrent="mamba2", rotary=0.0, windows="none"),
    "falcon": Family(gated=False, tied=True, norms=2, windows="none"),
    "falcon_h1": Family(recurrent="beside", windows="none"),
    "bamba": Family(recurrent="mamba2", rotary=0.5, windows="none"),
    "jamba": Family(experts="sparse", recurrent="mamba1", rotary=0.0, windows="none", norms=2),
    "mamba": Family(recurrent="mamba1", rotary=0.0, tied=True, norms=1, windows="none"),
    "falcon_mamba": Family(recurrent="mamba1", rotary=0.0, norms=1, windows="none"),
    "mamba2": Family(recurrent="mamba2", rotary=0.0, norms=1, windows="none"),
    "starcoder2": replace(_LAYERNORM, tied=True, windows="all"),
    "gpt_bigcode": replace(_GPT, fields={"multi_query": True}),
    "gpt2": _GPT,
    "gpt_neox": replace(_LAYERNORM, rotary=0.25, windows="none"),
    "opt": _GPT,
    "bloom": replace(_LAYERNORM, tied=True, rotary=0.0, windows="none"),
    "mpt": Family(gated=False, tied=True, rotary=0.0, windows="none"),
    "stablelm": Family(norms=4, rotary=0.25, windows="none"),
    "olmo": Family(norms=0, windows="none"),
    "olmo2": Family(qk_norms=True, windows="none"),
    "olmo3": Family(qk_norms=True, windows="fourth"),
    "olmoe": Family(experts="all", qk_norms=True, windows="none"),
    "internlm2": Family(windows="none"),
    "internlm3": Family(windows="none"),
    "baichuan": Family(windows="none"),
    "cohere": Family(tied=True, norms=1, windows="none"),
    "cohere2": Family(tied=True, norms=1, windows="fourth"),
    "dbrx": Family(experts="all", windows="none"),
    "exaone": Family(windows="none"),
    "exaone4": Family(qk_norms=True, windows="pattern"),
    "hunyuan_v1_dense": Family(qk_norms=True, windows="none"),
    "hunyuan_v1_moe": Family(experts="all", qk_norms=True, windows="none"),
    "ernie4_5": Family(tied=True, windows="none"),
    "ernie4_5_moe": Family(experts="sparse", tied=True, windows="none"),
    "seed_oss": Family(query_bias=True, windows="none", head_dimension=128),
    "smollm3": Family(tied=True, windows="none"),
    "minimax_m1": _LIGHTNING,
    "minimax_text_01": _LIGHTNING,
    "minimax_m2": Family(experts="all", qk_norms=True, rotary=0.5, windows="none"),
    "apertus": Family(gated=False, qk_norms=True, windows="none"),
    "arcee": Family(gated=False, windows="none"),
    "dots1": Family(experts="sparse", qk_norms=True, windows="none"),
    "bert": _BERT,
    "roberta": _BERT,
    "xlm-roberta": _BERT,
    "modernbert": Family(tied=True, norms=2, windows="none"),
}
"""Text model types whose layers are counted here."""

NESTED = ("text_config", "llm_config", "language_config", "thinker_config")
"""Where a multimodal file keeps its language model."""

TEXT_OF: Mapping[str, str] = {
    "llama4": "llama4_text",
    "gemma3": "gemma3_text",
    "gemma4": "gemma4_text",
    "gemma4_unified": "gemma4_text",
    "gemma4_unified_text": "gemma4_text",
    "qwen3_5": "qwen3_5_text",
    "qwen3_5_moe": "qwen3_5_moe_text",
    "qwen3_vl": "qwen3_vl_text",
    "qwen3_vl_moe": "qwen3_vl_moe_text",
    "qwen2_5_omni_thinker": "qwen2_5_omni_text",
    "qwen3_omni_moe_thinker": "qwen3_omni_moe_text",
    "glm4v": "glm4v_text",
    "glm4v_moe": "glm4v_moe_text",
    "glm-4": "glm4",
    "kimi_linear": "kimi_linear",
    "mistral3": "mistral",
    "llava": "llama",
    "phi4": "phi3",
    "phi3_v": "phi3",
    "hunyuan": "hunyuan_v1_moe",
    "NemotronH_Nano_VL_V2": "nemotron_h",
}
"""The text type of a wrapper's language model where the nested section does not name one, and second spellings."""

ALIASES: Mapping[str, tuple[str, ...]] = {
    "hidden_size": ("n_embd", "n_embed", "d_model"),
    "num_hidden_layers": ("n_layer", "n_layers", "num_layers"),
    "num_attention_heads": ("n_head", "n_heads"),
    "num_key_value_heads": ("num_kv_heads", "n_head_kv", "multi_query_group_num", "num_query_groups", "kv_n_heads"),
    "intermediate_size": ("n_inner", "ffn_hidden_size", "ffn_dim"),
    "vocab_size": ("padded_vocab_size",),
    "max_position_embeddings": ("n_positions", "max_sequence_length", "seq_length", "max_seq_len", "model_max_length"),
    "head_dim": ("kv_channels", "attention_head_dim"),
    "num_experts": ("num_local_experts", "n_routed_experts", "moe_num_experts"),
    "num_experts_per_tok": ("top_k_experts", "moe_top_k", "moe_topk", "moe_k", "num_experts_per_token"),
    "layer_types": ("layers_block_type",),
    "partial_rotary_factor": ("rotary_pct", "rope_pct"),
    "mamba_n_heads": ("mamba_num_heads",),
    "mamba_d_head": ("mamba_head_dim",),
    "mamba_d_state": ("ssm_state_size", "state_size"),
    "mamba_n_groups": ("n_groups",),
    "mamba_d_conv": ("conv_kernel",),
    "mamba_expand": ("expand",),
    "mamba_dt_rank": ("time_step_rank",),
    "shared_expert_intermediate_size": ("shared_intermediate_size", "moe_shared_expert_intermediate_size"),
}
"""The name of a field here, and what other families call it."""


def text_model(config: Section) -> tuple[Section, str, Family]:
    """The language model of a file, with the usual names of its fields, its type and its family.

    Raises:
        ArchitectureError: a type that is not counted here.
    """
    text, kind = _language_section(config)
    if kind is None:
        raise ArchitectureError("the field model_type is missing")
    if not isinstance(kind, str) or kind not in FAMILIES:
        alike = get_close_matches(short(kind), FAMILIES, n=3, cutoff=0.5)
        known = f"those most alike are {', '.join(alike)}" if alike else f"there are {len(FAMILIES)}, of llama, qwen3, gemma3, deepseek_v3 and others"
        raise ArchitectureError(f"model_type {short(kind)} is not one that is counted here ({known})")
    family = FAMILIES[kind]
    found: dict[str, object] = {**(family.fields or {}), **{key: value for key, value in text.items() if value is not None}}
    for nested in ("attn_config", "ffn_config"):  # DBRX keeps part of its shape there
        found |= {f"{nested.removesuffix('_config')}.{key}": value for key, value in (section(text, nested) or {}).items()}
        found |= {key: value for key, value in (section(text, nested) or {}).items() if key not in found}
    for name, others in ALIASES.items():
        if found.get(name) is None:
            said = next((found[other] for other in others if found.get(other) is not None), None)
            found |= {} if said is None else {name: said}
    return found, kind, family


def _language_section(config: Section) -> tuple[Section, object]:
    outer, kind = config, config.get("model_type")
    for _ in range(2):  # an omni model nests twice: thinker_config, then text_config
        inner = next((found for key in NESTED if (found := section(outer, key))), None)
        if inner is None:
            break
        outer, kind = inner, inner.get("model_type", kind)
    name = TEXT_OF.get(kind, kind) if isinstance(kind, str) else kind
    return outer, name
