"""docs/sizing.md says what the program does: its example is computed again, its tables are the commands' output."""

from __future__ import annotations

import ast
import operator
import re

import pytest

from fleet import presets, startup
from fleet.architecture import from_config
from fleet.sizing import SizeRequest, size
from tests.support import sizing_docs
from tests.support.model_configs import SHAPES

pytestmark = pytest.mark.published

DOCUMENT = sizing_docs.DOCUMENT.read_text(encoding="utf-8")
LINE = re.compile(r"(?P<name>[a-z_]+) = (?P<expression>.+) = (?P<value>[-\d.,]+)")
OPERATIONS = {ast.Add: operator.add, ast.Sub: operator.sub, ast.Mult: operator.mul, ast.Div: operator.truediv, ast.Pow: operator.pow}
SIGNS = str.maketrans({"×": "*", "÷": "/", "−": "-"})


def computed(expression: str, known: dict[str, float]) -> float:
    """Arithmetic with names of earlier lines."""

    def value(node: ast.expr) -> float:
        if isinstance(node, ast.BinOp):
            return OPERATIONS[type(node.op)](value(node.left), value(node.right))
        return known[node.id] if isinstance(node, ast.Name) else float(ast.literal_eval(node))

    text = re.sub(r"(?<=\d),(?=\d)", "", expression).translate(SIGNS).replace("^", "**")
    return value(ast.parse(text, mode="eval").body)


def example() -> dict[str, float]:
    """Every line of the example, computed anew and compared with what stands there."""
    known: dict[str, float] = {}
    text = sizing_docs.block("example", DOCUMENT)
    assert text, "the document has an example"
    for line in text.strip("`").removeprefix("text").strip().splitlines():
        found = LINE.fullmatch(line.strip())
        assert found, f"name = expression = value: {line}"
        known[found["name"]] = computed(found["expression"], known)
        printed = found["value"].replace(",", "")
        decimals = len(printed.partition(".")[2])
        assert round(known[found["name"]], decimals) == float(printed), f"{line}: {known[found['name']]}"
    return known


def test_the_example_is_right_and_is_what_the_program_says() -> None:
    known, preset = example(), presets.PRESETS["small"]
    result = size(SizeRequest(architecture=from_config(preset.config), accelerator="L4", max_model_len=preset.max_model_len))
    assert known["parameters"] == from_config(preset.config).parameters, "counted by hand"
    gpu = result.per_gpu
    pairs = {
        "usable_gib": gpu.usable_gib,
        "weights_gib": gpu.weights_gib,
        "activations_gib": gpu.activations_gib,
        "graphs_gib": gpu.graphs_gib,
        "non_torch_gib": gpu.non_torch_gib,
        "kv_gib": gpu.kv_gib,
        "concurrency": result.concurrency,
    }
    for name, value in pairs.items():
        assert known[name] == pytest.approx(value, abs=0.01), f"{name} by hand and by program"
    assert known["bytes_per_token"] == result.kv_bytes_per_token, "of the KV cache"
    steps = startup.steps(from_config(preset.config).checkpoint_gib, len(from_config(preset.config).layers), startup.LOAD_GIB_PER_SECOND["bucket"])
    assert known["start_seconds"] == pytest.approx(sum(step.seconds for step in steps), abs=3), "each step is rounded up"


@pytest.mark.parametrize("title", sizing_docs.BLOCKS)
def test_the_tables_are_what_the_program_says_today(title: str) -> None:
    assert sizing_docs.block(title, DOCUMENT) == sizing_docs.BLOCKS[title](), "run: python -m tests.support.sizing_docs"


def test_every_line_of_a_breakdown_is_in_the_table_of_terms() -> None:
    for name, shape in SHAPES.items():
        for accelerator, parallel in (("L4", 1), ("H100", 8)):
            for term in size(SizeRequest(architecture=shape, accelerator=accelerator, gpus=parallel, tensor_parallel=parallel)).terms:
                assert f"| {term.name} | " in DOCUMENT, f"{term.name!r} of {name} is explained"
                assert re.search(rf"\| {re.escape(term.name)} \| [^|]*{term.kind}", DOCUMENT), f"{term.name!r} is {term.kind}"
