"""Where the weights of one model revision lie in one cluster, and how they get there and stay whole."""

from __future__ import annotations

from math import ceil

from fleet import naming
from fleet.fleet_plan import CachePlan, FolderSource, StaticVolumes
from fleet.model_server import engine_image
from fleet.server_inputs import ServerInputs
from fleet.settings import ExistingCluster
from fleet.startup import LOAD_GIB_PER_SECOND

CACHE_HEADROOM = 1.25
"""A cache holds the weights, the tokenizer files and, while the mirror writes, what it has not renamed yet."""

NO_STORAGE_CLASS = ""
"""Written out, it keeps a cluster's default class from making a volume for the claim."""


def cache_plan(inputs: ServerInputs) -> CachePlan:
    """The cache that this placement's weights lie in; placements of the same revision share it."""
    model, settings, name = inputs.model, inputs.settings, inputs.cache_name
    folder = inputs.cache_folder
    return CachePlan(
        name=name,
        model=model.repository,
        revision=model.revision or "",
        kind=inputs.cache_kind,  # pyright: ignore[reportArgumentType]
        size_gib=ceil(model.architecture.checkpoint_gib * CACHE_HEADROOM) + 1,
        storage_class=NO_STORAGE_CLASS if folder else _storage_class(inputs),
        static=_static(inputs, folder) if folder else None,
        mirror_claim=f"mirror-{name}" if folder else name,
        audit_name=naming.safe_name("audit", name, limit=naming.CRON_JOB),
        audit_schedule=naming.weekly_schedule(settings.name, settings.environment, inputs.cluster_name, name),
        mirror_image=engine_image(inputs),
        hub_token_secret=settings.secrets.hub_token,
        load_gib_per_second=LOAD_GIB_PER_SECOND[inputs.cache_kind],
    )


def _storage_class(inputs: ServerInputs) -> str | None:
    return inputs.cluster.storage_classes.get("cache") if isinstance(inputs.cluster, ExistingCluster) else None


def _static(inputs: ServerInputs, folder: str) -> StaticVolumes:
    """Names that no other fleet's volumes have: of all objects of a cache, volumes alone belong to no namespace."""
    owner = (inputs.settings.name, inputs.settings.environment, inputs.cache_name)
    return StaticVolumes(
        serving_volume=naming.safe_name("serving", *owner),
        mirror_volume=naming.safe_name("mirror", *owner),
        source=FolderSource(path=folder),
    )
