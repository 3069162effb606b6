"""The engine and the provider that were found or built are the ones requirements.txt pins."""

from __future__ import annotations

import subprocess

import grpc
import pytest
from google.protobuf import empty_pb2
from pulumi.runtime.proto import provider_pb2_grpc

from local.tools import RECIPES, ensure
from local.tools.find import version_told
from local.tools.recipes import PULUMI_KUBERNETES

pytestmark = pytest.mark.engine


def test_the_engine_is_not_older_than_the_sdk() -> None:
    recipe = next(recipe for recipe in RECIPES if recipe.module == "pulumi")
    told = version_told(str(ensure(["pulumi"])["pulumi"]))
    assert told is not None
    assert told >= recipe.minimum


def test_the_provider_serves_and_tells_the_pinned_version() -> None:
    binary = ensure(["pulumi-resource-kubernetes"])["pulumi-resource-kubernetes"]
    command = [str(binary)]
    with subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as provider:
        try:
            assert provider.stdout is not None
            port = provider.stdout.readline().strip()
            with grpc.insecure_channel(f"127.0.0.1:{port}") as channel:
                info = provider_pb2_grpc.ResourceProviderStub(channel).GetPluginInfo(empty_pb2.Empty(), timeout=20, wait_for_ready=True)
            assert info.version == PULUMI_KUBERNETES, "the version of the SDK that describes its inputs"
        finally:
            provider.kill()
