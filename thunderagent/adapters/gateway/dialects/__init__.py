"""The generating endpoints that the gateway schedules, one module for each API."""

from __future__ import annotations

from thunderagent.adapters.gateway.answer import Dialect
from thunderagent.adapters.gateway.dialects.chat import CHAT
from thunderagent.adapters.gateway.dialects.completions import COMPLETIONS
from thunderagent.adapters.gateway.dialects.messages import MESSAGES
from thunderagent.adapters.gateway.dialects.responses import RESPONSES
from thunderagent.adapters.gateway.dialects.sglang_generate import SGLANG_GENERATE
from thunderagent.adapters.gateway.dialects.token_generate import SKYRL_GENERATE, VLLM_GENERATE

_ALL: tuple[Dialect, ...] = (CHAT, COMPLETIONS, RESPONSES, MESSAGES, SGLANG_GENERATE, VLLM_GENERATE, SKYRL_GENERATE)

DIALECTS: dict[str, Dialect] = {dialect.path: dialect for dialect in _ALL}
"""By path."""

__all__ = ["DIALECTS"]
