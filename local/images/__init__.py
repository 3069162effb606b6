"""Images made on the machine without a registry, and the containerd root that every local node starts from."""

from local.images.catalogue import CLIENT_IMAGE, DNS_IMAGE, ENGINE_IMAGE, HUB_HOST, HUB_PORT, PAUSE_IMAGE, TOOLS, archives
from local.images.containerd import containerd_configuration
from local.images.libraries import ImageError
from local.images.prepared import copy_root, prepared_root

__all__ = [
    "CLIENT_IMAGE",
    "DNS_IMAGE",
    "ENGINE_IMAGE",
    "HUB_HOST",
    "HUB_PORT",
    "PAUSE_IMAGE",
    "TOOLS",
    "ImageError",
    "archives",
    "containerd_configuration",
    "copy_root",
    "prepared_root",
]
