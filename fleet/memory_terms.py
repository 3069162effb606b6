"""The memory of one GPU line by line, each with its formula, what it was given and where it comes from."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fleet import catalog
from fleet.terms import Kind, Term

if TYPE_CHECKING:
    from fleet.memory import Terms

GIB = 1024**3

_WEIGHTS: dict[str, tuple[str, str]] = {
    "quantised layers": ("parameters × bytes of one weight with its scales ÷ tensor parallel", "config.json, quantization_config"),
    "16-bit layers": ("parameters × bytes ÷ tensor parallel", "config.json; layers that the checkpoint leaves in 16 bits"),
    "embeddings and head": ("(vocabulary padded to 64 × hidden size × tables) × bytes ÷ tensor parallel", "vLLM, vocab_parallel_embedding.py"),
    "image and audio towers": ("parameters × bytes ÷ tensor parallel", "config.json, vision_config and audio_config"),
    "repeated on every GPU": (
        "(norms, routers, latent down-projections, key-value heads beyond one per GPU) × bytes × (1 − 1 ÷ tensor parallel)",
        "vLLM, ReplicatedLinear and QKVParallelLinear",
    ),
    "made while loading": ("matrices that the engine copies × bytes", "vLLM, mla_attention.py and gemma4.py"),
    "kernel padding": ("experts × (padded ÷ real shape − 1)", "Marlin: 60.8 GiB of gpt-oss-120b become 65.97 GiB (vLLM issue 23278)"),
    "rotary tables": ("positions × rotary dimension × bytes, not divided", "vLLM, rotary_embedding; 2.5 GiB for Llama 4 Scout (0.19 log)"),
}

_LOGS = "start-up logs of vLLM 0.19 to 0.30, docs/adr/0020-memory-check.md"

MARGIN = 0.2
"""Of an estimate: the share that the logs differ by between versions."""


def explained(terms: Terms) -> tuple[Term, ...]:
    """Usable memory, every summand that is not zero, and what is left."""
    request = terms.request
    total = catalog.accelerator(request.accelerator).total_gib
    usable = Term(
        name="usable",
        gib=terms.usable / GIB,
        kind="measured",
        formula="total_gib × gpu_memory_utilization",
        inputs={"total_gib": total, "gpu_memory_utilization": request.gpu_memory_utilization},
        source="total that PyTorch prints for this GPU, fleet/catalog_rows.py",
    )
    pool = Term(
        name="KV cache",
        gib=terms.pool / GIB,
        kind="derived",
        formula="usable − all lines between; below 0: so much is too much",
        inputs={"usable_gib": terms.usable / GIB, "taken_gib": (terms.usable - terms.pool) / GIB},
        source="vLLM 0.33, v1/worker/gpu_worker.py: requested − consumed − peak − graphs",
    )
    return (usable, *_weights(terms), *_activations(terms), *_overhead(terms), pool)


def _weights(terms: Terms) -> list[Term]:
    request = terms.request
    inputs: dict[str, float | int | str] = {
        "parameters": request.architecture.parameters,
        "tensor_parallel": request.tensor_parallel,
        "quantisation": request.quantization or request.architecture.checkpoint_quantization or "none",
    }
    found: list[Term] = []
    for name, size in terms.weight_parts.items():
        formula, source = _WEIGHTS[name]
        kind: Kind = "measured" if name == "kernel padding" else "derived"
        if size:
            found.append(Term(name=f"weights: {name}", gib=size / GIB, kind=kind, formula=formula, inputs=inputs, source=source))
    return found


def _activations(terms: Terms) -> list[Term]:
    from fleet.memory import SAMPLER_BYTES, batch_defaults

    request, shape = terms.request, terms.request.architecture
    tokens, seqs = batch_defaults(request)
    if terms.forward >= terms.sampler:
        formula = "batched tokens × (largest of MLP, experts and attention ÷ tensor parallel + 4 × hidden size) × bytes"
        inputs: dict[str, float | int | str] = {"max_num_batched_tokens": tokens, "hidden_size": shape.hidden_size, "bytes": request.wide}
        name = "activations: one layer"
    else:
        formula, name = "sequences × vocabulary × bytes of the copies", "activations: drawing tokens"
        inputs = {"max_num_seqs": seqs, "vocabulary": shape.vocabulary, "bytes": SAMPLER_BYTES}
    peak = _estimated(name, max(terms.forward, terms.sampler), formula, inputs)
    images = _estimated("activations: images", terms.images, "largest images while profiling", {})
    return [peak, images] if terms.images else [peak]


def _overhead(terms: Terms) -> list[Term]:
    from fleet.memory import EXPERT_GRAPHS_GIB, GRAPH_GIB_PER_LAYER, NON_TORCH_GIB

    shape = terms.request.architecture
    experts = 0.0 if shape.dense else EXPERT_GRAPHS_GIB
    inputs: dict[str, float | int | str] = {"layers": len(shape.layers), "gib_per_layer": GRAPH_GIB_PER_LAYER, "experts_gib": experts}
    graphs = _estimated("CUDA graphs", terms.graphs, "layers × GiB per layer + experts", inputs)
    libraries = _estimated("non-torch: CUDA libraries", NON_TORCH_GIB * GIB, "the same for every model", {})
    nccl = _estimated("non-torch: NCCL", terms.nccl, "with several GPUs; more over NVLink", {"tensor_parallel": terms.request.tensor_parallel})
    return [graphs, libraries, nccl] if terms.nccl else [graphs, libraries]


def _estimated(name: str, size: float, formula: str, inputs: dict[str, float | int | str]) -> Term:
    return Term(name=name, gib=size / GIB, kind="estimated", formula=formula, inputs=inputs, source=_LOGS, margin_gib=MARGIN * size / GIB)
