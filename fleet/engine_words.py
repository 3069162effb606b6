"""What vLLM 0.33 accepts by name, for values that its argument parser lets through and that stop the engine later, on a GPU.

A test compares every list with the pinned release itself.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from fleet.memory import KV_BYTES
from fleet.problems import Problem, nearest
from fleet.settings import Model
from fleet.sizing_rules import FLOAT16_UNSTABLE

_TOOL_CALL_PARSERS = """
apertus beam cohere_command3 cohere_command4 deepseek_v3 deepseek_v31 deepseek_v32 deepseek_v4 deepseek_v41 dots ernie45 functiongemma
gemma4 gigachat3 glm45 glm47 granite granite-20b-fc granite4 hermes hf hunyuan_a13b hy_v3 hy_v4 inkling internlm jamba k2_horizon kimi_k2
kimi_k3 lfm2 ling3 llama3_json llama4_json llama4_pythonic longcat mimo minicpm5 minimax_m2 minimax_m3 mistral muse muse_glimmer musespark1x
olmo3 openai phi4_mini_json plamo3 poolside_v1 pythonic qwen3_coder qwen3_json qwen3_xml seed_oss step3 step3p5 step5 xlam
"""
TOOL_CALL_PARSERS = frozenset(_TOOL_CALL_PARSERS.split())

_REASONING_PARSERS = """
beam cohere_command3 cohere_command4 deepseek_r1 deepseek_v3 deepseek_v4 deepseek_v41 ernie45 gemma4 glm45 glm47 granite
granite_thinking_parser hf holo2 hunyuan_a13b hy_v3 hy_v4 inkling k2_horizon kimi_k2 kimi_k3 ling3 mimo minicpmv minimax_m2
minimax_m2_append_think minimax_m3 mistral muse muse_glimmer musespark1x nemotron_v3 olmo3 openai_gptoss plamo3 poolside_v1 qwen3 seed_oss
step3 step3p5 step5
"""
REASONING_PARSERS = frozenset(_REASONING_PARSERS.split())

KV_CACHE_DTYPES = frozenset(KV_BYTES)
"""Those whose size is known here; vLLM has more."""

_CHECKPOINT_FORMATS = """
auto_awq auto_gptq awq awq_marlin compressed-tensors gptq gptq_marlin inc modelopt modelopt_fp4 modelopt_mixed modelopt_mxfp8 moe_wna16
quark
"""
CHECKPOINT_FORMATS = frozenset(_CHECKPOINT_FORMATS.split())
"""Ways in which a checkpoint can be quantised, that cannot be applied to a 16-bit one while it is loaded."""

ONLINE_METHODS = ("fp8_per_tensor", "fp8_per_block")
"""Ways to quantise a 16-bit checkpoint while it is loaded, whose memory is known here."""

DEPRECATED_METHODS = frozenset({"fbgemm_fp8", "fp_quant"})
"""vLLM stops unless it is told to allow them; they leave with one of the next releases."""


def problems(
    where: str, entry: Model, *, model_type: str, checkpoint: str | None, dtype: str | None, default_batched_tokens: int
) -> Iterator[Problem]:
    """Every value of a model entry that would stop the engine.

    Args:
        where: path of the entry ("models.chat").
        entry: the entry.
        model_type: of the model's config.json.
        checkpoint: `quant_method` of the model's config.json.
        dtype: as it is rendered for the placement's GPU.
        default_batched_tokens: what vLLM takes for `max_num_batched_tokens` on that GPU if nobody says.
    """
    yield from _unknown(f"{where}.tool_call_parser", entry.tool_call_parser, TOOL_CALL_PARSERS)
    yield from _unknown(f"{where}.reasoning_parser", entry.reasoning_parser, REASONING_PARSERS)
    yield from _unknown(f"{where}.kv_cache_dtype", entry.kv_cache_dtype, KV_CACHE_DTYPES)
    yield from _quantization(f"{where}.quantization", entry.quantization, checkpoint)
    if dtype in {"half", "float16"} and model_type in FLOAT16_UNSTABLE:
        limit = f"{model_type} is numerically unstable in float16, and vLLM refuses it"
        yield Problem(field=f"{where}.dtype", value=dtype, limit=limit, remedy="place it on a GPU with bfloat16 (any but T4), with dtype: bfloat16")
    tokens = entry.max_num_batched_tokens or default_batched_tokens
    if entry.max_num_seqs is not None and entry.max_num_seqs > tokens:
        limit = f"is above the tokens of one batch, {tokens}, and each running request needs one"
        remedy = f"lower it, or raise {where}.max_num_batched_tokens"
        yield Problem(field=f"{where}.max_num_seqs", value=entry.max_num_seqs, limit=limit, remedy=remedy)


def _unknown(field: str, value: str | None, known: Iterable[str]) -> Iterator[Problem]:
    if value is not None and value not in known:
        yield Problem(field=field, value=value, limit="is none that this release of vLLM is run with here", remedy=nearest(value, known))


def _quantization(field: str, asked: str | None, checkpoint: str | None) -> Iterator[Problem]:
    if asked in CHECKPOINT_FORMATS and checkpoint is None:
        limit = "is a format that a checkpoint already has or has not, and this one is in 16 bits"
        remedy = f"name a repository with the quantised build in `model`, or quantise while loading: {' or '.join(ONLINE_METHODS)}"
        yield Problem(field=field, value=asked, limit=limit, remedy=remedy)
    method = asked or checkpoint
    if method in DEPRECATED_METHODS:
        yield Problem(
            field=field, value=method, limit="is about to leave vLLM, which stops when it meets it", remedy="name another build of the model"
        )
