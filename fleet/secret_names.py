"""What every cloud says alike about a fleet's secrets: their keys, what they are for, and where their values are read."""

from __future__ import annotations

from fleet.settings import Settings

HUB_TOKEN, ENGINE_API_KEY = "hub-token", "engine-api-key"

KUBERNETES_KEYS = {HUB_TOKEN: "token", ENGINE_API_KEY: "key"}
"""Under which key of its Kubernetes Secret a value is read (fleet/settings/fleet.py: Secrets)."""

DESCRIPTIONS = {
    HUB_TOKEN: "Access token of the model hub, for models whose licence an account must accept",
    ENGINE_API_KEY: "Key that model servers ask their clients for",
}


def in_use(settings: Settings) -> list[tuple[str, str]]:
    """Key and Kubernetes Secret of each secret that the stack file names."""
    names = settings.secrets
    return [(key, name) for key, name in ((HUB_TOKEN, names.hub_token), (ENGINE_API_KEY, names.engine_api_key)) if name]
