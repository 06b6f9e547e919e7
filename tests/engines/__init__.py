"""Real engines behind a real gateway: ``pytest -m engine`` (vLLM), ``pytest -m sglang``."""
