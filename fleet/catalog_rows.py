"""The tables behind `fleet/catalog.py`. To add a GPU or a machine, add a row; figures keep their source and date."""

from __future__ import annotations

ACCELERATOR_ROWS: tuple[tuple[str, float, int, int, tuple[int, int], int | None, str | None, tuple[str, ...], str | None, str | None], ...] = (
    # name, GiB that PyTorch sees, GB/s, dense 16-bit TFLOPS, compute capability, NVLink GB/s, GKE type, product labels, quotas
    ("T4", 14.56, 320, 65, (7, 5), None, "nvidia-tesla-t4", ("Tesla-T4",), "L-DB2E81BA", "NVIDIA-T4-GPUS-per-project-region"),
    ("L4", 21.96, 300, 121, (8, 9), None, "nvidia-l4", ("NVIDIA-L4",), "L-DB2E81BA", "NVIDIA-L4-GPUS-per-project-region"),
    ("A10G", 22.0, 600, 70, (8, 6), None, None, ("NVIDIA-A10G",), "L-DB2E81BA", None),
    (
        "A100-40GB",
        39.39,
        1555,
        312,
        (8, 0),
        600,
        "nvidia-tesla-a100",
        ("NVIDIA-A100-SXM4-40GB",),
        "L-417A185B",
        "NVIDIA-A100-GPUS-per-project-region",
    ),
    (
        "A100-80GB",
        79.15,
        2039,
        312,
        (8, 0),
        600,
        "nvidia-a100-80gb",
        ("NVIDIA-A100-SXM4-80GB", "NVIDIA-A100-80GB-PCIe", "NVIDIA-A100-PCIE-80GB"),
        "L-417A185B",
        "NVIDIA-A100-80GB-GPUS-per-project-region",
    ),
    ("L40S", 44.34, 864, 362, (8, 9), None, None, ("NVIDIA-L40S",), "L-DB2E81BA", None),
    (
        "H100",
        79.19,
        3350,
        989,
        (9, 0),
        900,
        "nvidia-h100-80gb",
        ("NVIDIA-H100-80GB-HBM3",),
        "L-417A185B",
        "GPUS-PER-GPU-FAMILY-per-project-region/NVIDIA_H100",
    ),
    (
        "H200",
        139.8,
        4800,
        989,
        (9, 0),
        900,
        "nvidia-h200-141gb",
        ("NVIDIA-H200",),
        "L-417A185B",
        "GPUS-PER-GPU-FAMILY-per-project-region/NVIDIA_H200",
    ),
    (
        "RTX-PRO-6000",
        95.0,
        1600,
        500,
        (12, 0),
        None,
        "nvidia-rtx-pro-6000",
        ("NVIDIA-RTX-PRO-6000-Blackwell-Server-Edition",),
        "L-DB2E81BA",
        "GPUS-PER-GPU-FAMILY-per-project-region/NVIDIA_RTX_PRO_6000",
    ),
    ("B200", 178.35, 8000, 2250, (10, 0), 1800, "nvidia-b200", ("NVIDIA-B200",), "L-417A185B", "GPUS-PER-GPU-FAMILY-per-project-region/NVIDIA_B200"),
)
"""Memory: the lowest of the totals that engine logs printed for T4, L4, A10G, L40S, H100 and B200, commonly reported for the
others. Bandwidth and TFLOPS: data sheets, A10G's own (70, not the A10's 125). Product labels: as public node listings show them."""

AWS_PRICE_SOURCE = "karpenter-provider-aws price table, us-east-1"
AWS_PRICE_REGION = "us-east-1"
AWS_PRICE_DATE = "2026-07-20"

AWS_ROWS: tuple[tuple[str, str, int, int, float, int, float | None], ...] = (
    # machine, GPU, GPUs, vCPU, GiB, local NVMe GB, US dollars per hour
    ("g4dn.xlarge", "T4", 1, 4, 16, 125, 0.526),
    ("g4dn.2xlarge", "T4", 1, 8, 32, 225, 0.752),
    ("g4dn.4xlarge", "T4", 1, 16, 64, 225, 1.204),
    ("g4dn.12xlarge", "T4", 4, 48, 192, 900, 3.912),
    ("g4dn.metal", "T4", 8, 96, 384, 1800, 7.824),
    ("g5.xlarge", "A10G", 1, 4, 16, 250, 1.006),
    ("g5.2xlarge", "A10G", 1, 8, 32, 450, 1.212),
    ("g5.4xlarge", "A10G", 1, 16, 64, 600, 1.624),
    ("g5.8xlarge", "A10G", 1, 32, 128, 900, 2.448),
    ("g5.12xlarge", "A10G", 4, 48, 192, 3800, 5.672),
    ("g5.24xlarge", "A10G", 4, 96, 384, 3800, 8.144),
    ("g5.48xlarge", "A10G", 8, 192, 768, 7600, 16.288),
    ("g6.xlarge", "L4", 1, 4, 16, 250, 0.8048),
    ("g6.2xlarge", "L4", 1, 8, 32, 450, 0.9776),
    ("g6.4xlarge", "L4", 1, 16, 64, 600, 1.3232),
    ("g6.8xlarge", "L4", 1, 32, 128, 900, 2.0144),
    ("g6.12xlarge", "L4", 4, 48, 192, 3760, 4.6016),
    ("g6.24xlarge", "L4", 4, 96, 384, 3760, 6.6752),
    ("g6.48xlarge", "L4", 8, 192, 768, 7520, 13.3504),
    ("g6e.xlarge", "L40S", 1, 4, 32, 250, 1.861),
    ("g6e.2xlarge", "L40S", 1, 8, 64, 450, 2.24208),
    ("g6e.4xlarge", "L40S", 1, 16, 128, 600, 3.00424),
    ("g6e.8xlarge", "L40S", 1, 32, 256, 900, 4.52856),
    ("g6e.12xlarge", "L40S", 4, 48, 384, 3800, 10.49264),
    ("g6e.24xlarge", "L40S", 4, 96, 768, 3800, 15.06559),
    ("g6e.48xlarge", "L40S", 8, 192, 1536, 7600, 30.13118),
    ("g7e.2xlarge", "RTX-PRO-6000", 1, 8, 64, 1900, 3.36312),
    ("g7e.12xlarge", "RTX-PRO-6000", 2, 48, 512, 3800, 8.28608),
    ("g7e.24xlarge", "RTX-PRO-6000", 4, 96, 1024, 7600, 16.57216),
    ("g7e.48xlarge", "RTX-PRO-6000", 8, 192, 2048, 15200, 33.14432),
    ("p4d.24xlarge", "A100-40GB", 8, 96, 1152, 8000, 21.957642),
    ("p4de.24xlarge", "A100-80GB", 8, 96, 1152, 8000, 27.44705),
    ("p5.4xlarge", "H100", 1, 16, 256, 3800, 6.88),
    ("p5.48xlarge", "H100", 8, 192, 2048, 30400, 55.04),
    ("p5e.48xlarge", "H200", 8, 192, 2048, 30400, None),
    ("p5en.48xlarge", "H200", 8, 192, 2048, 30400, 63.296),
    ("p6-b200.48xlarge", "B200", 8, 192, 2048, 30400, 113.9328),
)

AWS_SPOT_QUOTAS: dict[str, str] = {
    **dict.fromkeys(("T4", "L4", "A10G", "L40S", "RTX-PRO-6000"), "L-3819A6DF"),
    **dict.fromkeys(("A100-40GB", "A100-80GB"), "L-7212CCBC"),
    **dict.fromkeys(("H100", "H200"), "L-C4BD4855"),
}
"""By GPU: all G and VT spot requests, all P4, P3 and P2 ones, all P5 ones, in virtual CPUs (public copies of the quota page). For P6 (B200)
the copies disagree, so it has none."""

AWS_CAPACITY_BLOCKS = ("p4d", "p4de", "p5", "p5e", "p5en", "p6-b200")
"""Families that are also sold as Capacity Blocks."""

GCP_SPOT_QUOTAS: dict[str, str] = {
    "T4": "PREEMPTIBLE-NVIDIA-T4-GPUS-per-project-region",
    "L4": "PREEMPTIBLE-NVIDIA-L4-GPUS-per-project-region",
    "A100-40GB": "PREEMPTIBLE-NVIDIA-A100-GPUS-per-project-region",
    "A100-80GB": "PREEMPTIBLE-NVIDIA-A100-80GB-GPUS-per-project-region",
    "H100": "PREEMPTIBLE-NVIDIA-H100-GPUS-per-project-region",
    "H200": "PREEMPTIBLE-NVIDIA-H200-GPUS-per-project-region",
    "RTX-PRO-6000": "PREEMPTIBLE-NVIDIA-RTX-PRO-6000-GPUS-per-project-region",
    "B200": "PREEMPTIBLE-NVIDIA-B200-GPUS-per-project-region",
}
"""Which quota spot and flex-start machines count against, in GPUs: one for each model, also where machines on demand are counted by family.
Ids as public listings of live projects show them (seen in 2026, the family of the RTX PRO 6000 on 2026-06-29, that of the H100 in Google's
own example)."""

GCP_PRICE_SOURCE = "karpenter-provider-gcp price table, us-central1"
GCP_PRICE_REGION = "us-central1"
GCP_PRICE_DATE = "2026-08-03"

GCP_ROWS: tuple[tuple[str, str, int, int, float, int, float | None, float | None, bool], ...] = (
    # machine, GPU, GPUs, vCPU, GiB, local SSD GB, US dollars per hour, spot, sold on demand
    ("n1-standard-4", "T4", 1, 4, 15, 0, 0.54, None, True),
    ("n1-standard-8", "T4", 1, 8, 30, 0, 0.73, None, True),
    ("n1-standard-8", "T4", 2, 8, 30, 0, 1.08, None, True),
    ("n1-standard-8", "T4", 4, 8, 30, 0, 1.78, None, True),
    ("g2-standard-4", "L4", 1, 4, 16, 0, 0.7068, 0.397, True),
    ("g2-standard-8", "L4", 1, 8, 32, 0, 0.8536, 0.480, True),
    ("g2-standard-12", "L4", 1, 12, 48, 0, 1.0004, 0.562, True),
    ("g2-standard-16", "L4", 1, 16, 64, 0, 1.1472, 0.645, True),
    ("g2-standard-32", "L4", 1, 32, 128, 0, 1.7344, 0.975, True),
    ("g2-standard-24", "L4", 2, 24, 96, 0, 2.0008, 1.125, True),
    ("g2-standard-48", "L4", 4, 48, 192, 0, 4.0017, 2.250, True),
    ("g2-standard-96", "L4", 8, 96, 384, 0, 8.0033, 4.499, True),
    ("g4-standard-48", "RTX-PRO-6000", 1, 48, 180, 0, 4.4999, 1.800, True),
    ("g4-standard-96", "RTX-PRO-6000", 2, 96, 360, 0, 8.9999, 3.600, True),
    ("g4-standard-192", "RTX-PRO-6000", 4, 192, 720, 0, 17.9997, 7.199, True),
    ("g4-standard-384", "RTX-PRO-6000", 8, 384, 1440, 0, 35.9994, 14.399, True),
    ("a2-highgpu-1g", "A100-40GB", 1, 12, 85, 0, 3.6734, 1.928, True),
    ("a2-highgpu-2g", "A100-40GB", 2, 24, 170, 0, 7.3468, 3.856, True),
    ("a2-highgpu-4g", "A100-40GB", 4, 48, 340, 0, 14.6935, 7.712, True),
    ("a2-highgpu-8g", "A100-40GB", 8, 96, 680, 0, 29.3871, 15.424, True),
    ("a2-ultragpu-1g", "A100-80GB", 1, 12, 170, 375, 5.0688, 2.760, True),
    ("a2-ultragpu-2g", "A100-80GB", 2, 24, 340, 750, 10.1376, 5.519, True),
    ("a2-ultragpu-4g", "A100-80GB", 4, 48, 680, 1500, 20.2752, 11.038, True),
    ("a2-ultragpu-8g", "A100-80GB", 8, 96, 1360, 3000, 40.5504, 22.076, True),
    ("a3-highgpu-1g", "H100", 1, 26, 234, 750, 11.06, 6.326, False),
    ("a3-highgpu-2g", "H100", 2, 52, 468, 1500, 22.12, 12.652, False),
    ("a3-highgpu-4g", "H100", 4, 104, 936, 3000, 44.24, 25.305, False),
    ("a3-highgpu-8g", "H100", 8, 208, 1872, 6000, 88.49, 50.61, True),
    ("a3-ultragpu-8g", "H200", 8, 224, 2952, 12000, None, None, False),
    ("a4-highgpu-8g", "B200", 8, 224, 2952, 12000, None, None, False),
)
"""N1 rows add the T4 at 0.35 US dollars per hour each (skypilot-catalog, commit 006059e0). A3 with fewer than eight
GPUs is sold as spot or flex-start only by a billing note of 2026-09-26. a4-highgpu-8g has the memory of a3-ultragpu-8g, its
neighbour in the only table found: no less is sold. a3-megagpu-8g is left out: it has another GKE accelerator type than H100."""
