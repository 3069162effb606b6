"""Secrets and images of a Google region: containers that a person fills, and a registry that keeps what was pulled once."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

import pytest

from fleet.gcp.images import image_mirror, mirrored
from fleet.gcp.inputs import RegionInputs
from fleet.gcp.plan import ImageMirrorPlan
from fleet.gcp.secrets import secret_name, secrets
from fleet.settings import Secrets
from tests.support.gcp_regions import region

pytestmark = pytest.mark.pure

SECRET_ID = re.compile(r"[A-Za-z0-9_-]{1,255}")
"""What Secret Manager takes as an id (its API's reference)."""

REPOSITORY_ID = re.compile(r"[a-z]([a-z0-9-]{0,61}[a-z0-9])?")
"""What Artifact Registry takes as the name of a repository (its API's reference)."""


def both(**cluster: Any) -> RegionInputs:
    """A region whose stack file names both secrets."""
    inputs = region(**cluster)
    return replace(inputs, settings=inputs.settings.model_copy(update={"secrets": Secrets(hub_token="hub", engine_api_key="engine")}))


def test_a_secret_that_nobody_names_is_not_made() -> None:
    assert secrets(region()) == (), "an empty container says that somebody forgot its value"


def test_every_named_secret_becomes_the_key_that_pods_read() -> None:
    found = {secret.key: secret for secret in secrets(both())}
    assert {key: (secret.kubernetes_secret, secret.kubernetes_key) for key, secret in found.items()} == {
        "hub-token": ("hub", "token"),
        "engine-api-key": ("engine", "key"),
    }, "as on AWS"
    assert all(SECRET_ID.fullmatch(secret.name) for secret in found.values()), "Google would refuse another name"
    assert len({secret.name for secret in found.values()}) == 2, "one for each"


def test_no_two_clusters_have_a_secret_of_the_same_name() -> None:
    inputs = both()
    name = secret_name(inputs, "hub-token")
    assert name.split("_") == ["acme", "dev", "us", "hub-token"], "parts have hyphens and no underscore, so borders stay"


def test_a_secret_that_other_regions_hold_is_under_no_regions_key() -> None:
    alone, copied = secrets(both())[0], secrets(both(secret_replicas=("europe-west4", "us-central1")))[0]
    assert (alone.locations, alone.own_key) == (("us-central1",), True), "the region's own key"
    assert (copied.locations, copied.own_key) == (("us-central1", "europe-west4"), False), "its own region once and first"


@pytest.mark.parametrize(("environment", "seconds"), [("prod", 2_592_000), ("dev", 0)])
def test_a_destroyed_value_can_be_brought_back_in_prod(environment: str, seconds: int) -> None:
    assert secrets(both(environment=environment))[0].version_destroy_seconds == seconds, "a month, as on AWS"


def test_an_image_comes_from_the_registry_of_the_region() -> None:
    mirror = image_mirror(region(images={"mirror": True}))
    assert isinstance(mirror, ImageMirrorPlan), "it was asked for"
    assert REPOSITORY_ID.fullmatch(mirror.name), "Google would refuse another name"
    found = mirrored("docker.io/vllm/vllm-openai:v0.33.0@sha256:" + 64 * "0", mirror)
    assert found == f"us-central1-docker.pkg.dev/acme-test/{mirror.name}/vllm/vllm-openai:v0.33.0@sha256:" + 64 * "0", "tag and digest stay"
    assert mirrored("quay.io/other/image:1", mirror) == "quay.io/other/image:1", "the mirror is Docker Hub's"


def test_without_a_mirror_images_stay_as_they_are() -> None:
    assert image_mirror(region()) is None, "it is made on request"
    assert mirrored("docker.io/vllm/vllm-openai:v0.33.0", None) == "docker.io/vllm/vllm-openai:v0.33.0", "from where they were"


def test_a_long_name_of_a_fleet_still_makes_a_repository() -> None:
    inputs = region(images={"mirror": True})
    long = replace(inputs, cluster_name="c" * 40, settings=inputs.settings.model_copy(update={"name": "f" * 24}))
    mirror = image_mirror(long)
    assert isinstance(mirror, ImageMirrorPlan), "it was asked for"
    assert REPOSITORY_ID.fullmatch(mirror.name), "cut, and closed with a hash"
