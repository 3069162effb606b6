"""What a server asks of its node: never more than the node has, never less than the engine needs without a word."""

from __future__ import annotations

import itertools

import pytest

from fleet import catalog
from fleet.resources import MINIMUM_GIB, NODE_RESERVED_CPUS, Node, ServerLoad, cpu_note, memory_shortage, resources
from fleet.shapes import MINIMUM_VCPUS

pytestmark = pytest.mark.pure

EVERY = [(shape, parallel) for shape in catalog.SHAPES for parallel in (1, 2, 4, 8) if parallel <= shape.gpus]


def node(shape: catalog.Shape) -> Node:
    return Node(gpus=shape.gpus, vcpus=shape.vcpus, memory_gib=shape.memory_gib)


def kubelet_leaves_gib(memory_gib: float) -> float:
    """What GKE, the greedier of the two, leaves: it keeps 25 % of 4 GiB, 20 % of 4, 10 % of 8, 6 % of 112, 2 % of the rest, and 0.1."""
    kept, left = 0.1, memory_gib
    for size, share in ((4, 0.25), (4, 0.20), (8, 0.10), (112, 0.06), (float("inf"), 0.02)):
        part = min(left, size)
        kept, left = kept + part * share, left - part
    return memory_gib - kept


def test_a_node_full_of_servers_has_room_for_all_of_them() -> None:
    for (shape, parallel), checkpoint_gib, multimodal in itertools.product(EVERY, (0.5, 15.0, 131.0, 380.0), (False, True)):
        load = ServerLoad(tensor_parallel=parallel, checkpoint_gib=checkpoint_gib, multimodal=multimodal)
        found, servers = resources(load, node(shape)), shape.gpus // parallel
        where = f"{shape.machine}, tensor parallel {parallel}: "
        assert found.gpus == parallel, f"{where}one GPU per worker"
        assert servers * int(found.cpu_request.removesuffix("m")) <= 1000 * (shape.vcpus - NODE_RESERVED_CPUS), f"{where}daemons keep their share"
        assert servers * found.memory_limit_gib <= kubelet_leaves_gib(shape.memory_gib) - 1, f"{where}limits too: nothing is overcommitted"
        assert 0 < found.memory_request_gib <= found.memory_limit_gib, f"{where}Kubernetes refuses a request above the limit"
        if memory_shortage(load, node(shape)) is None:
            assert found.memory_limit_gib >= max(MINIMUM_GIB, found.shared_memory_gib + 4), f"{where}/dev/shm counts towards the limit"
        if cpu_note(load, node(shape)) is None:
            assert found.cpu_request == f"{2000 * (2 + parallel)}m", f"{where}vCPU of 2 × (2 + N), vllm.md section 1.5"


def test_every_default_machine_gives_what_vllm_asks_for_except_four_t4_on_eight_cpus() -> None:
    scarce = {
        (shape.machine, shape.gpus)
        for shape, parallel in EVERY
        if shape.vcpus >= MINIMUM_VCPUS and cpu_note(ServerLoad(tensor_parallel=parallel, checkpoint_gib=15), node(shape))
    }
    assert scarce == {("n1-standard-8", 2), ("n1-standard-8", 4)}, "their plans carry a note"


def test_a_machine_that_leaves_too_little_memory_is_refused_in_words() -> None:
    crowded = Node(gpus=4, vcpus=8, memory_gib=30)
    words = memory_shortage(ServerLoad(tensor_parallel=1, checkpoint_gib=5.7), crowded)
    assert words, "four servers on 30 GiB"
    assert "leaves 6 GiB of memory per server, which needs 8 GiB" in words, words
    assert memory_shortage(ServerLoad(tensor_parallel=4, checkpoint_gib=15), crowded) is None, "one server of four GPUs has it all"


@pytest.mark.parametrize(("parallel", "shared"), [(1, 2), (2, 8), (4, 8), (8, 8)])
def test_shared_memory_follows_tensor_parallelism(parallel: int, shared: int) -> None:
    found = resources(ServerLoad(tensor_parallel=parallel, checkpoint_gib=15), Node(gpus=8, vcpus=192, memory_gib=2048))
    assert found.shared_memory_gib == shared, "workers of one server exchange tensors through it"


def test_an_unknown_node_is_asked_for_what_the_server_needs() -> None:
    unknown = Node(gpus=2, vcpus=None, memory_gib=None)
    found = resources(ServerLoad(tensor_parallel=2, checkpoint_gib=60.7), unknown)
    assert found.cpu_request == "8000m", "the rule itself"
    assert found.memory_request_gib == 14 + 31, "processes, shared memory and half the weights"
    assert found.memory_limit_gib == 14 + 31 + 31, "room for all weights in the page cache"
    assert cpu_note(ServerLoad(tensor_parallel=2, checkpoint_gib=60.7), unknown) is None, "nothing is known to say"


def test_images_need_room_in_two_processes() -> None:
    plain = resources(ServerLoad(tensor_parallel=1, checkpoint_gib=15), Node(gpus=1, vcpus=16, memory_gib=64))
    images = resources(ServerLoad(tensor_parallel=1, checkpoint_gib=15, multimodal=True), Node(gpus=1, vcpus=16, memory_gib=64))
    assert images.memory_request_gib == plain.memory_request_gib + 8, "4 GiB of decoded images in each"
