"""The answer of `python -m fleet size` as a person reads it."""

from __future__ import annotations

from fleet.memory import SizeRequest
from fleet.sizing import SizeResult


def size_text(name: str, request: SizeRequest, result: SizeResult) -> str:
    """Verdict, breakdown per GPU, then why not and what would fit."""
    verdict = "fits" if result.fits else "does not fit"
    method = request.quantization or request.architecture.checkpoint_quantization or "16 bits"
    parameters = request.architecture.parameters / 1e9
    gpu = result.per_gpu
    terms = {
        "usable": gpu.usable_gib,
        "weights": gpu.weights_gib,
        "activations": gpu.activations_gib,
        "CUDA graphs": gpu.graphs_gib,
        "non-torch": gpu.non_torch_gib,
        "KV cache": gpu.kv_gib,
    }
    lines = [
        f"{name} {verdict} on {result.tensor_parallel} × {result.accelerator}",
        f"  {parameters:.1f} billion parameters in {method}, {result.weights_gib:.2f} GiB of weights, context {result.max_model_len:,}",
        "",
        *(f"  {term:<12} {value:8.2f} GiB per GPU" for term, value in terms.items()),
        "",
        f"  {result.kv_tokens:,} tokens of KV cache at {result.kv_bytes_per_token:,} bytes each per GPU",
        f"  {result.concurrency:.2f} requests of {result.max_model_len:,} tokens at once; longest context {result.largest_max_model_len:,}",
    ]
    for title, entries in (("Why not", result.reasons), ("What would fit", result.remedies), ("Warnings", result.warnings)):
        if entries:
            lines += ["", title, *(f"  {entry}" for entry in entries)]
    if not result.fits and not result.remedies:
        lines += ["", "What would fit", "  nothing on one node of the catalogue with this model"]
    return "\n".join(lines)
