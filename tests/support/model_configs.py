"""Figures of config.json of published models, as in the sizing cases of others' measurements, cut to what counts."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

from fleet import presets
from fleet.architecture import from_config

Config = Mapping[str, object]

QWEN3 = {"model_type": "qwen3", "head_dim": 128, "num_key_value_heads": 8, "vocab_size": 151936, "max_position_embeddings": 40960}
QWEN3_8B: Config = {**QWEN3, "hidden_size": 4096, "intermediate_size": 12288, "num_hidden_layers": 36, "num_attention_heads": 32}
QWEN3_32B: Config = {**QWEN3, "hidden_size": 5120, "intermediate_size": 25600, "num_hidden_layers": 64, "num_attention_heads": 64}
LLAMA_8B: Config = {
    "model_type": "llama",
    "hidden_size": 4096,
    "intermediate_size": 14336,
    "num_hidden_layers": 32,
    "num_attention_heads": 32,
    "num_key_value_heads": 8,
    "vocab_size": 128256,
    "max_position_embeddings": 131072,
}
LLAMA_70B: Config = {**LLAMA_8B, "hidden_size": 8192, "intermediate_size": 28672, "num_hidden_layers": 80, "num_attention_heads": 64}
LLAMA_405B_FP8: Config = {
    **LLAMA_8B,
    "hidden_size": 16384,
    "intermediate_size": 53248,
    "num_hidden_layers": 126,
    "num_attention_heads": 128,
    "quantization_config": {
        "quant_method": "fbgemm_fp8",
        "modules_to_not_convert": ["lm_head", "model.layers.*.self_attn", "model.layers.0.mlp", "model.layers.125.mlp"],
    },
}
GEMMA_27B: Config = {
    "model_type": "gemma3",
    "text_config": {
        "model_type": "gemma3_text",
        "hidden_size": 5376,
        "intermediate_size": 21504,
        "num_hidden_layers": 62,
        "num_attention_heads": 32,
        "num_key_value_heads": 16,
        "head_dim": 128,
        "vocab_size": 262208,
        "max_position_embeddings": 131072,
        "sliding_window": 1024,
    },
    "vision_config": {"hidden_size": 1152, "intermediate_size": 4304, "num_hidden_layers": 27},
}
DEEPSEEK_V2_LITE: Config = {
    "model_type": "deepseek_v2",
    "hidden_size": 2048,
    "intermediate_size": 10944,
    "num_hidden_layers": 27,
    "num_attention_heads": 16,
    "num_key_value_heads": 16,
    "vocab_size": 102400,
    "max_position_embeddings": 163840,
    "q_lora_rank": None,
    "kv_lora_rank": 512,
    "qk_nope_head_dim": 128,
    "qk_rope_head_dim": 64,
    "v_head_dim": 128,
    "n_routed_experts": 64,
    "n_shared_experts": 2,
    "moe_intermediate_size": 1408,
    "first_k_dense_replace": 1,
}
QWEN3_30B_A3B: Config = {
    **QWEN3,
    "model_type": "qwen3_moe",
    "hidden_size": 2048,
    "intermediate_size": 6144,
    "num_hidden_layers": 48,
    "num_attention_heads": 32,
    "num_key_value_heads": 4,
    "num_experts": 128,
    "moe_intermediate_size": 768,
    "decoder_sparse_step": 1,
    "mlp_only_layers": [],
}
QWEN3_NEXT: Config = {
    **QWEN3_30B_A3B,
    "model_type": "qwen3_next",
    "intermediate_size": 5120,
    "num_attention_heads": 16,
    "num_key_value_heads": 2,
    "head_dim": 256,
    "max_position_embeddings": 262144,
    "num_experts": 512,
    "moe_intermediate_size": 512,
    "shared_expert_intermediate_size": 512,
    "full_attention_interval": 4,
    "linear_conv_kernel_dim": 4,
    "linear_key_head_dim": 128,
    "linear_num_key_heads": 16,
    "linear_num_value_heads": 32,
    "linear_value_head_dim": 128,
}
SCOUT: Config = {
    "model_type": "llama4",
    "text_config": {
        "model_type": "llama4_text",
        "attention_chunk_size": 8192,
        "head_dim": 128,
        "hidden_size": 5120,
        "intermediate_size": 8192,
        "intermediate_size_mlp": 16384,
        "interleave_moe_layer_step": 1,
        "max_position_embeddings": 10485760,
        "num_attention_heads": 40,
        "num_hidden_layers": 48,
        "num_key_value_heads": 8,
        "num_local_experts": 16,
        "vocab_size": 202048,
    },
}
GPT_OSS_120B = presets.PRESETS["large"].config
EVERY: dict[str, Config] = {
    "Qwen3-8B": QWEN3_8B,
    "Qwen3-32B": QWEN3_32B,
    "Llama-3.1-8B": LLAMA_8B,
    "Llama-3.3-70B": LLAMA_70B,
    "Llama-3.1-405B-FP8": LLAMA_405B_FP8,
    "gemma-3-27b": GEMMA_27B,
    "DeepSeek-V2-Lite": DEEPSEEK_V2_LITE,
    "Qwen3-30B-A3B": QWEN3_30B_A3B,
    "Qwen3-Next-80B": QWEN3_NEXT,
    "Llama-4-Scout": SCOUT,
    "gpt-oss-120b": GPT_OSS_120B,
}

SHAPES = {name: from_config(config) for name, config in EVERY.items()}
LLAMA2_7B = from_config({**LLAMA_8B, "intermediate_size": 11008, "num_key_value_heads": 32, "vocab_size": 32000, "max_position_embeddings": 4096})
LLAMA2_13B = from_config(
    {
        **LLAMA_8B,
        "hidden_size": 5120,
        "intermediate_size": 13824,
        "num_hidden_layers": 40,
        "num_attention_heads": 40,
        "num_key_value_heads": 40,
        "vocab_size": 32000,
        "max_position_embeddings": 4096,
    }
)
QWEN3_14B = from_config({**QWEN3, "hidden_size": 5120, "intermediate_size": 17408, "num_hidden_layers": 40, "num_attention_heads": 40})
QWEN25_72B = from_config(
    {
        **LLAMA_8B,
        "model_type": "qwen2",
        "hidden_size": 8192,
        "intermediate_size": 29568,
        "num_hidden_layers": 80,
        "num_attention_heads": 64,
        "vocab_size": 152064,
        "max_position_embeddings": 32768,
    }
)
SHAPES |= {"Llama-2-7B": LLAMA2_7B, "Llama-2-13B": LLAMA2_13B, "Qwen3-14B": QWEN3_14B, "Qwen2.5-72B": QWEN25_72B}

_HYBRIDS = ("Qwen3.6-27B", "gemma-4-31B", "Nemotron-3-Nano-30B", "DeepSeek-V3.2", "Mistral-Small-3.1-24B-w8a8")
_PUBLISHED = json.loads((Path(__file__).parents[1] / "data" / "sizing-more-cases.json").read_text(encoding="utf-8"))["configs"]
SHAPES |= {name: from_config(_PUBLISHED[name]) for name in _HYBRIDS}
