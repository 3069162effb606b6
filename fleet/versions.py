"""Every pinned version of what runs in a cluster, in one place. Python packages are pinned in requirements.txt."""

# renovate: datasource=pypi depName=vllm
VLLM = "0.33.0"

# The tag is inferred from vLLM's publish script and was not seen in a registry; its digest comes from fleet.lock.json.
ENGINE_IMAGE = "docker.io/vllm/vllm-openai"
ENGINE_TAG = f"v{VLLM}"
