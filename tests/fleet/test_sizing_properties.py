"""What holds for the memory check whatever the model, the GPU and the options."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fleet import catalog, sizing_remedies
from fleet.concurrency import Lengths, concurrency_at
from fleet.memory import Terms
from fleet.sizing import SizeRequest, judge, size
from tests.support.model_configs import SHAPES

pytestmark = pytest.mark.pure

REQUESTS = st.builds(
    SizeRequest,
    architecture=st.sampled_from(list(SHAPES.values())),
    accelerator=st.sampled_from(list(catalog.ACCELERATORS)),
    gpus=st.sampled_from([1, 2, 4, 8]),
    tensor_parallel=st.sampled_from([1, 1, 2, 3, 4, 8]),
    quantization=st.sampled_from([None, None, "fp8_per_tensor", "awq"]),
    dtype=st.sampled_from([None, "half", "bfloat16", "float32"]),
    kv_cache_dtype=st.sampled_from([None, "fp8"]),
    max_model_len=st.none() | st.integers(1, 200_000),
    gpu_memory_utilization=st.floats(0.5, 1.0),
)


@given(request=REQUESTS, share=st.floats(0.0, 1.0))
def test_more_memory_never_fits_less(request: SizeRequest, share: float) -> None:
    less = replace(request, gpu_memory_utilization=request.gpu_memory_utilization * (0.5 + share / 2))
    one, other = judge(less), judge(request)
    assert other.fits or not one.fits, "what fits in less fits in more"
    assert other.kv_tokens >= one.kv_tokens, "and the cache is no smaller"
    if request.architecture.checkpoint_quantization is None:
        assert other.per_gpu.weights_gib <= judge(replace(request, quantization=None)).per_gpu.weights_gib, "quantising never needs more"


@given(request=REQUESTS, longer=st.integers(1, 100_000))
def test_a_longer_context_never_raises_concurrency(request: SizeRequest, longer: int) -> None:
    one, other = judge(request), judge(replace(request, max_model_len=request.context + longer))
    assert other.concurrency <= one.concurrency, "longer requests need more each"
    assert one.fits or not other.fits, "and never fit where shorter ones do not"


@given(request=REQUESTS)
def test_the_longest_context_fits_and_one_more_does_not(request: SizeRequest) -> None:
    result = judge(request)
    longest = result.largest_max_model_len
    if longest and not [reason for reason in result.reasons if "GiB" not in reason and "a context" not in reason]:
        assert judge(replace(request, max_model_len=longest)).fits, f"{longest} is what the memory holds"
        more = judge(replace(request, max_model_len=longest + 1))
        assert not more.fits, "it is the longest"


@given(request=REQUESTS)
def test_every_remedy_applied_fits(request: SizeRequest) -> None:
    result = size(request)
    assert bool(result.reasons) is not result.fits, "a refusal has a reason"
    assert not (result.fits and result.remedies), "what fits needs none"
    assert len(result.remedies) == len(result.changes), "each in words and as options"
    for remedy, change in zip(result.remedies, result.changes, strict=True):
        assert change.options, f"{remedy}: it changes something"
        assert change.cost, f"{remedy}: and says what that costs"
        applied = judge(sizing_remedies.applied(request, change.options))
        assert applied.fits, f"{remedy}: {applied.reasons}"
        words = remedy.partition(": needs")[0]
        for name, value in change.options.items():
            assert str(value) in words or name in ("gpus", "quantization", "kv_cache_dtype", "dtype"), f"{words!r} says {name}: {value}"


@given(request=REQUESTS)
def test_the_terms_add_up_and_the_shortage_is_what_the_reasons_say(request: SizeRequest) -> None:
    result = judge(request)
    usable, *taken, cache = result.terms
    assert sum(term.gib for term in taken) + cache.gib == pytest.approx(usable.gib, abs=0.001), "usable is the sum of all other lines"
    assert max(0.0, cache.gib) == pytest.approx(result.per_gpu.kv_gib, abs=0.006), "the same number in both"
    if result.missing_gib:
        assert any("GiB too much" in reason for reason in result.reasons), "by how much"
    assert all(term.margin_gib <= max(0.0, term.gib) for term in taken), "a margin is part of its term"


@given(request=REQUESTS, prompt=st.integers(1, 2000), output=st.integers(1, 2000), more=st.integers(1, 500))
def test_longer_prompts_and_answers_never_raise_concurrency(request: SizeRequest, prompt: int, output: int, more: int) -> None:
    pool = max(0.0, result_pool(request))
    one = concurrency_at(request, pool, Lengths(prompt_tokens=prompt, output_tokens=output))
    for lengths in (Lengths(prompt_tokens=prompt + more, output_tokens=output), Lengths(prompt_tokens=prompt, output_tokens=output + more)):
        other = concurrency_at(request, pool, lengths)
        assert (other.finished, other.average) <= (one.finished, one.average), "each needs more"
    assert one.finished <= one.average <= one.running_limit, "half written answers are shorter, and the engine has its own limit"


def result_pool(request: SizeRequest) -> float:
    return Terms(request=request).pool
