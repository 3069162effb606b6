"""Every type that the stand-in knows."""

from __future__ import annotations

from tests.support.stand_in_aws import kinds_cluster, kinds_identity, kinds_network, kinds_storage
from tests.support.stand_in_aws.kinds import Kind

KINDS: dict[str, Kind] = {kind.token: kind for kind in (*kinds_network.KINDS, *kinds_cluster.KINDS, *kinds_storage.KINDS, *kinds_identity.KINDS)}
