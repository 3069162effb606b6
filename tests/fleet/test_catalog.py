"""The catalogue: figures that hang together, shapes a cloud really sells, and never another one in silence."""

from __future__ import annotations

import itertools

import pytest

from fleet import catalog, shapes
from fleet.shapes import NoShape

pytestmark = pytest.mark.pure

CLOUDS = ("aws", "gcp")


def test_every_accelerator_that_was_asked_for_is_there() -> None:
    wanted = {"T4", "L4", "A10G", "A100-40GB", "A100-80GB", "L40S", "H100", "H200", "RTX-PRO-6000", "B200"}
    assert set(catalog.ACCELERATORS) == wanted, "the names are the contract of the stack file and of `size`"


@pytest.mark.parametrize("name", list(catalog.ACCELERATORS))
def test_an_accelerator_has_figures_that_can_be(name: str) -> None:
    gpu = catalog.accelerator(name)
    marketing = {
        "T4": 16,
        "L4": 24,
        "A10G": 24,
        "A100-40GB": 40,
        "A100-80GB": 80,
        "L40S": 48,
        "H100": 80,
        "H200": 141,
        "RTX-PRO-6000": 96,
        "B200": 192,
    }
    assert 0.87 * marketing[name] < gpu.total_gib < marketing[name], "PyTorch sees a little less than the label says"
    assert gpu.memory_bandwidth_gb_per_second >= 300, "no data-centre GPU of this list is slower than an L4"
    assert gpu.tflops_16bit >= 65, "nor weaker than a T4"
    assert (7, 5) <= gpu.compute_capability <= (12, 0), "vLLM needs 7.5"
    assert gpu.product_labels, "a cluster somebody else made knows its GPUs by this label"
    assert gpu.shapes, "a GPU that nobody sells cannot be planned"


@pytest.mark.parametrize(
    ("name", "bfloat16", "fp8_compute", "fp8_kv_cache", "nvlink"),
    [
        ("T4", False, False, False, None),
        ("A10G", True, False, True, None),
        ("A100-40GB", True, False, True, 600),
        ("A100-80GB", True, False, True, 600),
        ("L4", True, True, True, None),
        ("L40S", True, True, True, None),
        ("H100", True, True, True, 900),
        ("H200", True, True, True, 900),
        ("RTX-PRO-6000", True, True, True, None),
        ("B200", True, True, True, 1800),
    ],
)
def test_what_a_gpu_can_compute_follows_from_its_capability(
    name: str, bfloat16: bool, fp8_compute: bool, fp8_kv_cache: bool, nvlink: int | None
) -> None:
    gpu = catalog.accelerator(name)
    found = (gpu.bfloat16, gpu.fp8_compute, gpu.fp8_kv_cache, gpu.nvlink_gb_per_second)
    assert found == (bfloat16, fp8_compute, fp8_kv_cache, nvlink), "as vLLM 0.33 chooses kernels"


def test_no_shape_is_there_twice_or_carries_an_unknown_gpu() -> None:
    keys = [(shape.cloud, shape.machine, shape.gpus) for shape in catalog.SHAPES]
    assert len(set(keys)) == len(keys), "one row per machine and number of GPUs"
    assert {shape.accelerator for shape in catalog.SHAPES} <= set(catalog.ACCELERATORS), "a row without its GPU could not be sized"
    kinds: dict[str, set[str]] = {}
    for shape in catalog.SHAPES:
        kinds.setdefault(shape.machine, set()).add(shape.accelerator)
    assert all(len(found) == 1 for found in kinds.values()), "a machine carries one kind of GPU"


def test_a_shape_has_figures_that_can_be() -> None:
    for shape in catalog.SHAPES:
        where = f"{shape.machine} with {shape.gpus} GPUs: "
        assert shape.gpus in (1, 2, 4, 8), f"{where}what the clouds sell"
        assert shape.vcpus >= 4, f"{where}no smaller machine carries a GPU"
        assert 2 <= shape.memory_gib / shape.vcpus <= 17, f"{where}memory and processors grow together"
        assert shape.usd_per_hour is None or 0.4 < shape.usd_per_hour / shape.gpus < 15, f"{where}US dollars per GPU and hour"
        if shape.spot_usd_per_hour is not None:
            assert shape.usd_per_hour is not None, f"{where}a spot price has a list price beside it"
            assert shape.spot_usd_per_hour < shape.usd_per_hour, f"{where}nobody pays more to be interrupted"
        assert shape.price_date.startswith("2026-"), f"{where}a price without its date is worth nothing"
        assert not (shape.regions or frozenset()) & shape.missing_regions, f"{where}sold and not sold"
        assert shape.capacity_blocks is False or shape.cloud == "aws", f"{where}only AWS has them"


def test_more_of_the_same_gpu_never_costs_less() -> None:
    for name in catalog.ACCELERATORS:
        for cloud in CLOUDS:
            priced = [shape for shape in catalog.accelerator(name).shapes if shape.cloud == cloud and shape.usd_per_hour is not None]
            cheapest = {shape.gpus: min(one.usd_per_hour or 0 for one in priced if one.gpus == shape.gpus) for shape in priced}
            costs = [cheapest[gpus] for gpus in sorted(cheapest)]
            assert costs == sorted(costs), f"{name} on {cloud}: {cheapest}"


def test_a_larger_machine_with_the_same_gpus_never_costs_less() -> None:
    for one, other in itertools.permutations(catalog.SHAPES, 2):
        same = (one.cloud, one.accelerator, one.gpus) == (other.cloud, other.accelerator, other.gpus)
        if same and one.usd_per_hour and other.usd_per_hour and one.vcpus < other.vcpus:
            assert one.usd_per_hour < other.usd_per_hour, f"{one.machine} and {other.machine}"


@pytest.mark.parametrize(
    ("cloud", "accelerator", "gpus", "machine", "usd_per_hour"),
    [
        ("aws", "T4", 1, "g4dn.2xlarge", 0.752),
        ("aws", "L4", 1, "g6.2xlarge", 0.9776),
        ("aws", "A10G", 1, "g5.2xlarge", 1.212),
        ("aws", "A10G", 4, "g5.12xlarge", 5.672),
        ("aws", "L40S", 1, "g6e.2xlarge", 2.24208),
        ("aws", "RTX-PRO-6000", 1, "g7e.2xlarge", 3.36312),
        ("aws", "A100-40GB", 8, "p4d.24xlarge", 21.957642),
        ("aws", "A100-80GB", 8, "p4de.24xlarge", 27.44705),
        ("aws", "H100", 1, "p5.4xlarge", 6.88),
        ("aws", "H200", 8, "p5en.48xlarge", 63.296),
        ("aws", "B200", 8, "p6-b200.48xlarge", 113.9328),
        ("gcp", "T4", 1, "n1-standard-8", 0.73),
        ("gcp", "T4", 4, "n1-standard-8", 1.78),
        ("gcp", "L4", 1, "g2-standard-8", 0.8536),
        ("gcp", "L4", 2, "g2-standard-24", 2.0008),
        ("gcp", "A100-40GB", 2, "a2-highgpu-2g", 7.3468),
        ("gcp", "A100-80GB", 2, "a2-ultragpu-2g", 10.1376),
        ("gcp", "H100", 8, "a3-highgpu-8g", 88.49),
        ("gcp", "RTX-PRO-6000", 1, "g4-standard-48", 4.4999),
        ("gcp", "H200", 8, "a3-ultragpu-8g", None),
        ("gcp", "B200", 8, "a4-highgpu-8g", None),
    ],
)
def test_the_default_machine_is_the_cheapest_with_eight_virtual_cpus(
    cloud: str, accelerator: str, gpus: int, machine: str, usd_per_hour: float | None
) -> None:
    found = shapes.shape(cloud, accelerator, gpus)
    assert (found.machine, found.usd_per_hour) == (machine, usd_per_hour), "list prices of July and August 2026"
    assert found.vcpus >= shapes.MINIMUM_VCPUS, "four virtual CPUs and 16 GiB load weights slowly or are killed"


def test_a_small_machine_is_given_to_whoever_names_it() -> None:
    assert shapes.shape("aws", "L4", 1, "us-east-2", "g6.xlarge").vcpus == 4, "a choice of one's own is respected"


def test_two_a100_of_40_gib_on_aws_are_refused_with_all_five_ways_out() -> None:
    with pytest.raises(NoShape) as refused:
        shapes.shape("aws", "A100-40GB", 2, "us-east-2")
    for machine, price in {
        "a2-highgpu-2g": "7.35",
        "p4d.24xlarge": "21.96",
        "p5.4xlarge": "6.88",
        "g7e.2xlarge": "3.36",
        "g6e.12xlarge": "10.49",
    }.items():
        assert machine in str(refused.value), f"{machine} is one of the ways out"
        assert price in str(refused.value), f"and what it costs: {refused.value}"


def test_an_a10g_in_google_cloud_is_refused_with_the_gpus_of_its_class() -> None:
    with pytest.raises(NoShape) as refused:
        shapes.shape("gcp", "A10G", 1, "us-central1")
    for machine in ("g2-standard-8", "g4-standard-48", "g5.2xlarge"):
        assert machine in str(refused.value), f"{machine} is an L4, an RTX PRO 6000 or the A10G of AWS"


@pytest.mark.parametrize(
    ("cloud", "accelerator", "gpus", "region"),
    [
        ("gcp", "L40S", 1, None),
        ("gcp", "A10G", 4, None),
        ("aws", "L4", 2, None),
        ("aws", "H100", 2, None),
        ("aws", "A100-80GB", 8, "us-east-2"),
        ("aws", "L4", 1, "eu-west-1"),
        ("aws", "L40S", 1, "eu-west-1"),
        ("aws", "H100", 1, "eu-west-1"),
        ("aws", "H200", 8, "eu-west-1"),
        ("aws", "B200", 8, "eu-west-1"),
        ("aws", "RTX-PRO-6000", 1, "eu-west-1"),
        ("gcp", "L4", 1, "us-east5"),
        ("gcp", "A100-40GB", 1, "us-east4"),
        ("gcp", "A100-80GB", 1, "us-east1"),
        ("gcp", "T4", 8, None),
    ],
)
def test_what_a_cloud_or_region_does_not_sell_is_refused_with_what_there_is(cloud: str, accelerator: str, gpus: int, region: str | None) -> None:
    with pytest.raises(NoShape, match=r"what exists instead: .+ US dollars per hour|price unknown|nothing as large is sold in eu-west-1"):
        shapes.shape(cloud, accelerator, gpus, region)


@pytest.mark.parametrize(("accelerator", "gpus"), [("T4", 1), ("A10G", 1), ("A100-40GB", 8)])
def test_the_trap_region_still_sells_its_three_families(accelerator: str, gpus: int) -> None:
    assert shapes.shape("aws", accelerator, gpus, "eu-west-1"), "eu-west-1 has g4dn, g5 and p4d"


def test_a_t4_in_google_cloud_is_attached_to_n1_only() -> None:
    machines = {shape.machine for shape in catalog.accelerator("T4").shapes if shape.cloud == "gcp"}
    assert machines == {"n1-standard-4", "n1-standard-8"}, "no other family takes one"


def test_fewer_than_eight_h100_in_google_cloud_cannot_simply_be_started() -> None:
    on_demand = {shape.gpus: shape.on_demand for shape in catalog.accelerator("H100").shapes if shape.cloud == "gcp"}
    assert on_demand == {1: False, 2: False, 4: False, 8: True}, "a3-highgpu-1g, 2g and 4g are spot or flex-start only"


def test_alternatives_are_sold_and_no_smaller_than_what_was_asked_for() -> None:
    for cloud in CLOUDS:
        for gpu in catalog.ACCELERATORS.values():
            for gpus in (1, 2, 4, 8):
                for found in shapes.alternatives(cloud, gpu.name, gpus):
                    if found.accelerator != gpu.name:
                        memory_gib = catalog.accelerator(found.accelerator).total_gib
                        assert memory_gib * found.gpus >= 0.98 * gpu.total_gib * gpus, f"{found.label} for {gpus} × {gpu.name}"


def test_a_machine_with_another_gpu_is_named_as_such() -> None:
    with pytest.raises(NoShape, match=r"g6\.12xlarge carries 4 × L4"):
        shapes.shape("aws", "L4", 1, "us-east-2", "g6.12xlarge")
    with pytest.raises(NoShape, match=r"g6\.2xlage is not in the catalogue"):
        shapes.shape("aws", "L4", 1, "us-east-2", "g6.2xlage")


def test_every_shape_has_the_quota_that_its_cloud_asks_for() -> None:
    for shape in catalog.SHAPES:
        gpu = catalog.accelerator(shape.accelerator)
        if shape.cloud == "aws":
            expected = "L-417A185B" if shape.machine.startswith("p") else "L-DB2E81BA"
            assert gpu.aws_quota_code == expected, f"{shape.machine} counts against the quota of its family"
        else:
            assert gpu.gcp_quota, f"{shape.machine} counts against a quota"
            assert gpu.gke_accelerator, f"GKE names the GPU of {shape.machine}"


def test_an_unknown_accelerator_is_answered_with_all_there_are() -> None:
    with pytest.raises(catalog.UnknownAccelerator, match="T4, L4, A10G"):
        catalog.accelerator("V100")
