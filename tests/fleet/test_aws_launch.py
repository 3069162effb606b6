"""Launch templates on AWS: disks hold the image, limits of gp3 and of machines are kept, and user data can be read."""

from __future__ import annotations

import email
import email.policy
import tomllib
from typing import Any

import pytest
import yaml

from fleet.aws.launch import ephemeral_gib, gpu_launch, own_disks, system_launch, volume_limit
from fleet.aws.plan import LaunchTemplatePlan
from fleet.catalog import SHAPES, Shape
from fleet.root_disks import IMAGE_GIB
from fleet.settings.pools import Reservation

pytestmark = pytest.mark.pure

AWS = {shape.machine: shape for shape in SHAPES if shape.cloud == "aws"}
RESERVED = Reservation(id="cr-0123456789abcdef0", zone="use2-az2")


def made(machine: str = "g6.2xlarge", image: str = "al2023", rung: str = "on_demand", reservation: Reservation | None = None) -> LaunchTemplatePlan:
    return gpu_launch(image, (AWS[machine],), rung, reservation)


def node_config(text: str) -> dict[str, Any]:
    """The part for nodeadm, read as a MIME message is."""
    message = email.message_from_string(text, policy=email.policy.default)
    assert message.get_content_type() == "multipart/mixed", "EKS puts a part of its own beside ours"
    assert message.defects == [], "a well-formed message"
    (part,) = message.iter_parts()
    assert part.get_content_type() == "application/node.eks.aws", "what nodeadm looks for"
    return yaml.safe_load(part.get_payload(decode=True))  # pyright: ignore[reportArgumentType]


@pytest.mark.parametrize("machine", list(AWS))
@pytest.mark.parametrize("image", ["al2023", "bottlerocket"])
def test_every_machine_gets_a_disk_that_gp3_allows(machine: str, image: str) -> None:
    found = made(machine, image)
    assert found.root_gib >= 200, "two versions of an image of 11.6 GB"
    assert 3000 <= found.root_iops <= min(80_000, 500 * found.root_gib), "gp3's own limits"
    assert 125 <= found.root_throughput_mib_per_second <= found.root_iops // 4, "0.25 MiB/s for each of them"
    assert found.root_throughput_mib_per_second <= volume_limit((AWS[machine],)), "nothing is paid for that the machine cannot take"
    assert found.metadata_hop_limit == 1, "pods have identities of their own"
    assert len(found.user_data.encode()) < 16_384, "EC2 takes 16 KiB"


def test_every_machine_of_the_catalogue_has_disks_of_its_own() -> None:
    lacking = [machine for machine, shape in AWS.items() if not own_disks((shape,))]
    assert lacking == [], "images are never pulled through a volume; fast pulls through one need 600 MiB per second"


def test_amazon_linux_makes_one_array_of_its_disks_and_pulls_in_parallel() -> None:
    config = node_config(made().user_data)
    assert (config["apiVersion"], config["kind"]) == ("node.eks.aws/v1alpha1", "NodeConfig"), "nodeadm's schema"
    assert config["spec"] == {"instance": {"localStorage": {"strategy": "RAID0"}}, "featureGates": {"FastImagePull": True}}, "and nothing else"


def test_a_machine_without_disks_is_not_told_to_use_them() -> None:
    bare = Shape(**{**vars(AWS["g6.2xlarge"]), "local_nvme_gb": 0})
    assert node_config(gpu_launch("al2023", (AWS["g6.2xlarge"], bare), "spot", None).user_data)["spec"] == {"featureGates": {"FastImagePull": True}}
    assert "bootstrap-commands" not in tomllib.loads(gpu_launch("bottlerocket", (bare,), "spot", None).user_data)["settings"]
    found = gpu_launch("al2023", (bare,), "on_demand", None)
    assert ephemeral_gib(found, (bare,)) == 170, "85 % of its root volume"


def test_bottlerocket_does_the_same_and_has_a_volume_of_its_own() -> None:
    found = made(image="bottlerocket")
    settings = tomllib.loads(found.user_data)["settings"]
    assert settings["container-runtime"] == {"snapshotter": "soci"}, "pulls in parallel"
    assert settings["container-runtime-plugins"]["soci-snapshotter"]["pull-mode"] == "parallel-pull-unpack", "layer by layer is the default"
    commands = settings["bootstrap-commands"]["node-disks"]
    assert [command[:3] for command in commands["commands"]] == [
        ["apiclient", "ephemeral-storage", "init"],
        ["apiclient", "ephemeral-storage", "bind"],
    ], "an array first, then folders onto it"
    assert {"/var/lib/containerd", "/var/lib/kubelet"} <= set(commands["commands"][1]), "images and emptyDir lie on them"
    assert (commands["essential"], commands["mode"]) == (True, "always"), "a node without them would fill its volume"
    assert found.root_device == "/dev/xvdb", "images lie on the second volume"
    assert [(volume.device, volume.gib) for volume in found.extra_volumes] == [("/dev/xvda", 10)], "the system on the first"
    assert not [line for line in found.user_data.splitlines() if line.startswith("[") and '"' in line], "EKS reads no quoted keys in headers"


def test_the_system_has_room_for_the_mirror_of_weights() -> None:
    found = system_launch()
    assert found.root_gib >= 60, "the mirror runs the engine's image"
    assert found.root_gib * 0.85 >= 20 + 10 + IMAGE_GIB, "and the kubelet deletes no images for it"
    assert found.user_data == "", "EKS's own settings"
    assert (found.root_iops, found.root_throughput_mib_per_second) == (3000, 125), "what gp3 includes"


@pytest.mark.parametrize(
    ("rung", "reservation", "expected"),
    [
        ("on_demand", None, (None, None, None)),
        ("spot", RESERVED, (None, None, None)),
        ("reservation", RESERVED, (None, RESERVED.id, None)),
        ("reservation", None, (None, None, "capacity-reservations-only")),
        ("capacity_block", RESERVED, ("capacity-block", RESERVED.id, None)),
    ],
)
def test_a_rung_takes_the_reservation_it_is_for(rung: str, reservation: Reservation | None, expected: tuple[str | None, ...]) -> None:
    found = made(rung=rung, reservation=reservation)
    assert (found.market, found.reservation_id, found.reservation_preference) == expected, "EC2 takes a target or a preference, not both"


def test_pods_are_promised_what_the_smallest_machine_has() -> None:
    types = tuple(AWS[machine] for machine in ("g6.8xlarge", "g6.2xlarge"))
    assert ephemeral_gib(gpu_launch("al2023", types, "spot", None), types) == int(450e9 / 2**30 * 0.85), "450 GB, not 900"
