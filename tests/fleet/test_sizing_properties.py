"""What holds for the memory check whatever the model, the GPU and the options."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fleet import catalog
from fleet.checkpoint import explicit_format
from fleet.sizing import SizeRequest, size
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
    one, other = size(less), size(request)
    assert other.fits or not one.fits, "what fits in less fits in more"
    assert other.kv_tokens >= one.kv_tokens, "and the cache is no smaller"
    if request.architecture.checkpoint_quantization is None:
        assert other.per_gpu.weights_gib <= size(replace(request, quantization=None)).per_gpu.weights_gib, "quantising never needs more"


@given(request=REQUESTS, longer=st.integers(1, 100_000))
def test_a_longer_context_never_raises_concurrency(request: SizeRequest, longer: int) -> None:
    one, other = size(request), size(replace(request, max_model_len=request.context + longer))
    assert other.concurrency <= one.concurrency, "longer requests need more each"
    assert one.fits or not other.fits, "and never fit where shorter ones do not"


@given(request=REQUESTS)
def test_the_longest_context_fits_and_one_more_does_not(request: SizeRequest) -> None:
    result = size(request)
    longest = result.largest_max_model_len
    if longest and not [reason for reason in result.reasons if "GiB" not in reason and "a context" not in reason]:
        assert size(replace(request, max_model_len=longest)).fits, f"{longest} is what the memory holds"
        more = size(replace(request, max_model_len=longest + 1))
        assert not more.fits, "it is the longest"


@given(request=REQUESTS)
def test_every_remedy_applied_fits(request: SizeRequest) -> None:
    result = size(request)
    assert bool(result.reasons) is not result.fits, "a refusal has a reason"
    assert not (result.fits and result.remedies), "what fits needs none"
    for remedy in result.remedies:
        applied = size(follow(request, remedy))
        assert applied.fits, f"{remedy}: {applied.reasons}"


def follow(request: SizeRequest, remedy: str) -> SizeRequest:
    """The request as somebody would change it who only reads the words."""
    words = remedy.partition(": needs")[0]
    if "quantise to fp8" in words:
        request = replace(request, quantization="fp8_per_tensor")
    if "4-bit (AWQ) build" in words:
        request = replace(request, architecture=replace(request.architecture, checkpoint=explicit_format("awq")))
    if "leave quantization out" in words:
        request = replace(request, quantization=None)
    if "leave kv_cache_dtype" in words:
        request = replace(request, kv_cache_dtype=None)
    if found := re.search(r"use dtype (\w+)$|use dtype (\w+) and", words):
        request = replace(request, dtype=found[1] or found[2])
    if found := re.search(r"max_model_len to (\d+)", words):
        request = replace(request, max_model_len=int(found[1]))
    if found := re.search(r"tensor parallel (\d+) on a node of (\d+)", words):
        request = replace(request, tensor_parallel=int(found[1]), gpus=int(found[2]))
    if found := re.search(r"use ([A-Z][\w-]+)(?: \(nodes of (\d+))?", words):
        request = replace(request, accelerator=found[1], gpus=int(found[2] or 1))
    return request
