"""Published outcomes are met: verdicts exactly, figures within what each is worth, and no constant hangs on one of them."""

from __future__ import annotations

import pytest

from fleet.architecture import GIB, from_config
from fleet.kv_cache import pages
from fleet.memory import Terms
from tests.support.sizing_cases import Case, further, published

pytestmark = pytest.mark.published


@pytest.mark.parametrize("case", published(), ids=lambda case: case.name)
def test_every_case_of_the_project_is_met(case: Case) -> None:
    assert case.met, f"{case.fields['why']} Expected {case.expected}, found {case.found}: {case.result.reasons} {case.result.per_gpu}"


@pytest.mark.parametrize("case", further(), ids=lambda case: case.name)
def test_every_further_case_is_met(case: Case) -> None:
    assert case.met, f"{case.fields['source']}: expected {case.expected}, found {case.found}: {case.result.reasons} {case.result.per_gpu}"


def test_the_estimates_lean_neither_way_by_much() -> None:
    pools = [case.residual for case in (*published(), *further()) if case.figure in ("kv_gib", "kv_tokens") and case.residual is not None]
    assert abs(sum(pools) / len(pools)) < 0.02, "a constant set on one side would show as a bias over all logs"
    assert max(map(abs, pools)) < 0.10, "the worst of them: old versions of vLLM"


def test_weights_are_exact_whatever_the_version_of_the_engine() -> None:
    weights = [case for case in (*published(), *further()) if case.figure == "weights_gib"]
    assert len(weights) > 40, "measured per GPU, at tensor parallel 1 to 8"
    assert max(abs(case.residual or 0.0) for case in weights) < 0.025, "nothing in them is estimated"


@pytest.mark.parametrize("case", [*published()[::3], *further()[::9]], ids=lambda case: case.name)
def test_the_lines_of_an_explanation_add_up_to_the_terms(case: Case) -> None:
    terms = Terms(request=case.request)
    lines = terms.explained()
    starts = {"weights": terms.weights, "activations": terms.activations, "CUDA graphs": terms.graphs, "non-torch": terms.non_torch}
    for start, whole in starts.items():
        assert sum(line.gib for line in lines if line.name.startswith(start)) == pytest.approx(whole / GIB), start
    usable, *taken, pool = lines
    assert (usable.gib, pool.gib) == pytest.approx((terms.usable / GIB, terms.pool / GIB)), "first and last"
    assert usable.gib - sum(line.gib for line in taken) == pytest.approx(pool.gib), "nothing is taken that no line names"
    assert all(line.source and line.formula for line in lines), "a reader can check each"
    assert all((line.margin_gib > 0) is (line.kind == "estimated") for line in lines), "what is estimated says by how much it may be off"


TRACED = [
    # Reservations of one request of 262,144 tokens, traced in vLLM 0.29 (mondegreens/apron@b2f4b6c:tests, layered cache)
    ("Qwen3.6-27B", 0, 17_520_656_384),
    ("Qwen3.6-35B-A3B", 0, 5_514_854_400),
    ("Nemotron-3-Nano-30B", 0, 1_725_628_416),
    ("gemma-4-31B", 16_384, 13_637 * 2_621_440),
    ("gemma-4-31B", 4_096, 9_797 * 2_621_440),
]


@pytest.mark.parametrize(("name", "in_flight", "traced"), TRACED)
def test_hybrid_caches_take_exactly_what_vllm_reserves(name: str, in_flight: int, traced: int) -> None:
    shape = next(case.architecture for case in further() if case.fields["config"] == name)
    assert sum(kind.bytes(262_144, in_flight) for kind in pages(shape, 2.0, 1)) == traced, "pages of one size, groups padded, states twice"


def test_a_common_hybrid_needs_no_more_memory_with_tensor_parallelism() -> None:
    shape = next(case.architecture for case in further() if case.fields["config"] == "Qwen3.6-27B")
    one, two = (sum(kind.bytes(32_768, 2048) for kind in pages(shape, 2.0, parallel)) for parallel in (1, 2))
    assert two <= one, "states and heads are divided"


def test_a_checkpoint_with_scales_for_the_cache_halves_it_where_the_gpu_can() -> None:
    config = next(case for case in published() if case.name == "planner-llama8-tp1-kv").fields["config"]
    scheme = {"num_bits": 8, "type": "float"}
    groups = {"group_0": {"targets": ["Linear"], "weights": {"num_bits": 8, "type": "float"}}}
    quantised = {"quant_method": "compressed-tensors", "config_groups": groups, "ignore": ["lm_head"], "kv_cache_scheme": scheme}
    shape = from_config({**config, "quantization_config": quantised})
    assert shape.checkpoint.cache_bytes == 1, "kv_cache_scheme"
