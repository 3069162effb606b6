"""What a change that makes a model fit usually costs, in quality and in speed. Not sized here: words, each with its source.

Quantised weights: Kurtic et al., "Give Me BF16 or Give Me Death?" (ACL 2025, arXiv 2411.02355), over 500,000 evaluations of
Llama 3.1 on vLLM: fp8 without loss at every size; 4-bit weights close behind 8-bit integers, which lose 1 to 3 %; 4-bit pays
for few requests at once, 8-bit for many. KV cache: vLLM's documentation of its quantised cache. PCIe: two all-reduces per layer.
"""

from __future__ import annotations

from fleet.catalog import Accelerator

FOUR_BIT = "usually 1 to 3 % lower scores, more on hard tasks; faster for few requests at once, slower for many"
SHORTER = "longer requests are refused"
KV_FP8 = "usually a small loss on long contexts; every GiB holds twice the tokens"
SAME_WEIGHTS = "none: the weights stay as they are published"
FULLER = "less is left for what is not foreseen"


def fp8(gpu: Accelerator) -> str:
    """Of 8-bit weights on this GPU."""
    speed = f"faster on the fp8 units of {gpu.name}" if gpu.fp8_compute else f"{gpu.name} has no fp8 units, so it saves memory and no time"
    return f"usually no measurable loss of quality; {speed}"


def build(method: str | None, gpu: Accelerator) -> str:
    """Of another build of the model."""
    if method is None:
        return "none in quality: 16 bits"
    return fp8(gpu) if "fp8" in method else FOUR_BIT


def parallel(gpu: Accelerator, gpus: int) -> str:
    """Of one server on several GPUs."""
    if gpus == 1:
        return "one GPU computes what several did"
    if gpu.nvlink_gb_per_second is None:
        return f"{gpus} GPUs for one server over PCIe, without NVLink: each layer waits for two all-reduces, expect less than {gpus} times the speed"
    return f"{gpus} GPUs for one server, joined by NVLink"
