"""Small models for the local hub: files of the right kinds and formats, with weights that mean nothing."""

from __future__ import annotations

import json
import os
import random
import shutil
import struct
from collections.abc import Iterable, Mapping
from pathlib import Path

WIDTH = 512
SHARDS = 2
LAYERS_PER_SHARD = 2
"""Matrices of WIDTH × WIDTH in bfloat16: 1 MiB a shard."""

CONFIG = {
    "architectures": ["Qwen3ForCausalLM"],
    "model_type": "qwen3",
    "hidden_size": WIDTH,
    "num_hidden_layers": SHARDS * LAYERS_PER_SHARD,
    "num_attention_heads": 8,
    "num_key_value_heads": 4,
    "vocab_size": 1024,
    "torch_dtype": "bfloat16",
}
TOKENIZER = {"version": "1.0", "added_tokens": [], "model": {"type": "WordLevel", "vocab": {"<unk>": 0}, "unk_token": "<unk>"}}


def fill(folder: Path, caches: Iterable[tuple[str, str]], extra: Mapping[str, Mapping[str, bytes]] | None = None) -> None:
    """Write a model for each repository and revision that is not there yet: about 4 MB, the same for the same revision.

    What is there stays as it is, whatever `extra` says of it now: another content is another revision.

    Args:
        folder: of the hub.
        caches: (repository, revision).
        extra: repository to further files, by name.

    Raises:
        OSError: the folder cannot be written.
    """
    for repository, revision in caches:
        target = folder / repository / revision
        if target.is_dir():
            continue
        # Not below the repository: there, the unfinished folder would be a revision of the hub.
        partial = folder / f".partial-{os.getpid()}-{revision}"
        shutil.rmtree(partial, ignore_errors=True)
        for name, content in {**_model(repository, revision), **(extra or {}).get(repository, {})}.items():
            (partial / name).parent.mkdir(parents=True, exist_ok=True)
            (partial / name).write_bytes(content)
        target.parent.mkdir(parents=True, exist_ok=True)
        try:
            partial.rename(target)
        except OSError:
            shutil.rmtree(partial)
            if not target.is_dir():  # where it is, another run was first
                raise


def _model(repository: str, revision: str) -> dict[str, bytes]:
    """What a repository holds, with copies for other runtimes that a mirror must leave out."""
    generator = random.Random(f"{repository}@{revision}")  # noqa: S311  content to copy, nothing secret
    shards: dict[str, bytes] = {}
    where: dict[str, str] = {}
    for shard in range(1, SHARDS + 1):
        name = f"model-{shard:05}-of-{SHARDS:05}.safetensors"
        tensors = [f"model.layers.{(shard - 1) * LAYERS_PER_SHARD + layer}.mlp.up_proj.weight" for layer in range(LAYERS_PER_SHARD)]
        where |= dict.fromkeys(tensors, name)
        shards[name] = safetensors({tensor: generator.randbytes(WIDTH * WIDTH * 2) for tensor in tensors})
    index = {"metadata": {"total_size": len(where) * WIDTH * WIDTH * 2}, "weight_map": where}
    return {
        "config.json": _json(CONFIG),
        "generation_config.json": _json({"eos_token_id": 0, "do_sample": False}),
        "tokenizer.json": _json(TOKENIZER),
        "README.md": f"# {repository}\n\nWeights of random numbers, for trying out how they are served.\n".encode(),
        "model.safetensors.index.json": _json(index),
        **shards,
        "original/consolidated.00.safetensors": next(iter(shards.values())),
        "pytorch_model.bin": generator.randbytes(WIDTH * WIDTH * 2),
    }


def safetensors(tensors: Mapping[str, bytes]) -> bytes:
    """A file of square bfloat16 matrices: length of the header in 8 bytes, the header, the data one after another."""
    header: dict[str, object] = {"__metadata__": {"format": "pt"}}
    offset = 0
    for name, data in tensors.items():
        header[name] = {"dtype": "BF16", "shape": [WIDTH, WIDTH], "data_offsets": [offset, offset + len(data)]}
        offset += len(data)
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)  # readers map the data into memory, which wants it aligned
    return struct.pack("<Q", len(text)) + text + b"".join(tensors.values())


def _json(value: object) -> bytes:
    return (json.dumps(value, indent=2) + "\n").encode()
