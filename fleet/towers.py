"""Vision and audio towers of multimodal models, and the projector to the language model."""

from __future__ import annotations

from fleet.config_fields import ArchitectureError, Section, number, numbers, section

GATED = frozenset({"pixtral", "qwen2_5_vl", "glm4v", "gemma4_vision"})
"""Towers whose MLP has a gate, up and down projection; the others have up and down."""

MERGED = frozenset({"qwen2_vl", "qwen2_5_vl", "qwen3_vl", "qwen3_5"})
"""Towers that end in a merger of 2 × 2 patches: two matrices."""

DEFAULTS: dict[str, dict[str, int]] = {
    "pixtral": {"hidden_size": 1024, "intermediate_size": 4096, "num_hidden_layers": 24, "patch_size": 16},
    "siglip_vision_model": {"hidden_size": 768, "intermediate_size": 3072, "num_hidden_layers": 12, "patch_size": 16},
    "clip_vision_model": {"hidden_size": 768, "intermediate_size": 3072, "num_hidden_layers": 12, "patch_size": 32},
    "llama4_vision_model": {"hidden_size": 768, "intermediate_size": 5632, "num_hidden_layers": 34, "patch_size": 14},
    "qwen2_vl": {"embed_dim": 1280, "depth": 32, "mlp_ratio": 4, "hidden_size": 3584, "patch_size": 14},
    "qwen2_5_vl": {"hidden_size": 3584, "intermediate_size": 3420, "depth": 32, "patch_size": 14, "out_hidden_size": 3584},
    "qwen3_vl": {"hidden_size": 1152, "intermediate_size": 4304, "depth": 27, "patch_size": 16, "out_hidden_size": 3584},
    "qwen3_5": {"hidden_size": 1152, "intermediate_size": 4304, "depth": 27, "patch_size": 16, "out_hidden_size": 3584},
    "gemma4_vision": {"hidden_size": 768, "intermediate_size": 3072, "num_hidden_layers": 16, "patch_size": 16},
    "gemma4_audio": {"hidden_size": 1024, "num_hidden_layers": 12},
}
"""What a file may leave out, as transformers fills it in."""

_SECTIONS = ("vision_config", "audio_config", "vision_tower_config", "encoder_config")


def tower_parameters(config: Section, hidden_size: int) -> int:
    """Weights of every tower and of the projectors to a language model of this hidden size.

    Raises:
        ArchitectureError: a tower whose fields say too little.
    """
    holder = section(config, "thinker_config") or config
    found = [(name, tower) for name in _SECTIONS if (tower := section(holder, name)) is not None]
    return sum(_tower(name, _filled(tower, config), hidden_size) for name, tower in found)


def sees_images(config: Section) -> bool:
    """Whether the engine profiles itself with images."""
    return bool(section(section(config, "thinker_config") or config, "vision_config"))


def _filled(tower: Section, config: Section) -> Section:
    """The tower with what its file leaves out, under the name of its family."""
    kind = tower.get("model_type", config.get("model_type"))
    name = kind if isinstance(kind, str) else ""
    for ending in ("_encoder", "_vision", "_moe", "_omni"):
        name = name.replace("qwen2_5_omni", "qwen2_5_vl").replace("qwen3_omni", "qwen3_vl")
        name = name.removesuffix(ending) if name.startswith(("qwen", "glm")) else name
    return {**DEFAULTS.get(name, {}), **{key: value for key, value in tower.items() if value is not None}, "model_type": name}


def _tower(name: str, tower: Section, hidden_size: int) -> int:
    if name == "audio_config":
        return _audio(tower, hidden_size)
    width = number(tower, "embed_dim", 0) or _first(tower, name, "hidden_size", "embed_dim", "width", "vt_hidden_size")
    kind = tower.get("model_type")
    if kind == "qwen2_5_vl" and width == number(tower, "out_hidden_size", 0):
        width = 1280  # some files of Qwen2.5-VL give the language model's width under hidden_size
    layers = _first(tower, name, "num_hidden_layers", "depth", "layers", "vt_num_hidden_layers")
    inner = number(tower, "intermediate_size", 0) or number(tower, "vt_intermediate_size", 0)
    inner = inner or int(width * _ratio(tower))
    patch = number(tower, "patch_size", 14) if not isinstance(tower.get("patch_size"), list) else 14
    blocks = layers * (4 * width * width + (3 if kind in GATED else 2) * width * inner)
    return blocks + 3 * patch * patch * width * (2 if kind in MERGED else 1) + _projector(tower, width, hidden_size)


def _projector(tower: Section, width: int, hidden_size: int) -> int:
    if tower.get("model_type") in MERGED:
        merged = 4 * width
        mergers = 1 + len(numbers(tower, "deepstack_visual_indexes"))
        return mergers * (merged * merged + merged * hidden_size)
    single = tower.get("model_type") in ("siglip_vision_model", "gemma4_vision")  # Gemma's projector is one matrix, others have two
    return width * hidden_size + (0 if single else hidden_size * hidden_size)


def _ratio(tower: Section) -> float:
    said = tower.get("mlp_ratio", 4)
    return float(said) if isinstance(said, int | float) and not isinstance(said, bool) and 0 < said <= 16 else 4.0


def _audio(tower: Section, hidden_size: int) -> int:
    """An encoder of Whisper's kind, or Gemma's conformer: attention, and feed-forward blocks twice with a convolution between."""
    if tower.get("model_type") == "gemma4_audio":
        width, out = number(tower, "hidden_size"), number(tower, "output_proj_dims", 1536)
        return number(tower, "num_hidden_layers") * 24 * width * width + out * (width + hidden_size)
    width = _first(tower, "audio_config", "d_model", "hidden_size")
    layers = _first(tower, "audio_config", "encoder_layers", "num_hidden_layers")
    inner = number(tower, "encoder_ffn_dim", 0) or number(tower, "intermediate_size", 4 * width)
    return layers * (4 * width * width + 2 * width * inner) + width * hidden_size


def _first(tower: Section, name: str, *keys: str) -> int:
    for key in keys:
        if tower.get(key) is not None:
            return number(tower, key)
    raise ArchitectureError(f"the field {keys[0]} of {name} is missing")
