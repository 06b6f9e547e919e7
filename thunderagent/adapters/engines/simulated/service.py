"""From a prompt to a generation in the engine: what all generating endpoints share."""

from __future__ import annotations

import json
import random
import uuid
from collections.abc import AsyncIterator, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web

from thunderagent.adapters.engines.simulated import tool_calls
from thunderagent.adapters.engines.simulated.answers import Answers
from thunderagent.adapters.engines.simulated.driver import EngineDriver, Generation
from thunderagent.adapters.engines.simulated.errors import ApiError
from thunderagent.adapters.engines.simulated.tokenizer import TextStream, Tokenizer
from thunderagent.adapters.engines.simulated.wire import Message
from thunderagent.simulation import RequestRecord

SESSION_HEADER = "X-Session-ID"

# Mean surprise of a token, in nats: what a trained policy shows at temperature 1 on agent traces, roughly.
MEAN_SURPRISE_NATS = 0.3


@dataclass(frozen=True, slots=True)
class Job:
    """One generation and what its answer needs."""

    generation: Generation
    full_output_tokens: int
    """Length of the answer before `max_tokens` cut it."""
    stop: str | None = None
    """The stop string that ends the answer, if one does."""

    def finish_reason(self, record: RequestRecord | None) -> str:
        """OpenAI's finish reason, or vLLM's "abort"."""
        if record is None:
            return "abort"
        return "length" if self.full_output_tokens > len(self.generation.output) else "stop"


@dataclass(slots=True)
class Service:
    """The model behind the endpoints."""

    driver: EngineDriver
    answers: Answers
    tokenizer: Tokenizer
    model_name: str
    max_model_len_tokens: int
    """Prompt and output together; at most the engine's KV capacity."""
    randomness: random.Random = field(default_factory=lambda: random.Random(0))
    weight_version: str = "default"
    """What SGLang says unless it was told another one."""

    def check_request(self, model: str | None, n: int) -> None:
        """Raises ApiError for a model that is not served (404) and for several samples."""
        if model is not None and model != self.model_name:
            raise ApiError(
                f"model is {model!r}, only {self.model_name!r} is served",
                param="model",
                code="model_not_found",
                status=404,
            )
        if n != 1:
            raise ApiError(f"n is {n}, only 1 is supported", param="n")

    @contextmanager
    def generating(
        self,
        request: web.Request,
        prompt: str | Sequence[int],
        *,
        prompt_field: str,
        max_tokens: int | None,
        cache_salt: str | None,
        request_id: str | None,
        stream: bool = False,
        stop: Sequence[str] = (),
    ) -> Iterator[Job]:
        """A generation that is aborted when its handler leaves early, for instance because the client did.

        Args:
            prompt: its text, special tokens included, or its token ids.
            prompt_field: name of the body's field that holds the prompt, for error messages.
            stop: texts of which the first that the answer has ends it.

        Raises:
            ApiError: the prompt is empty, has unknown tokens or is too long, or the request id is taken.
        """
        if isinstance(prompt, str):
            text, prompt = prompt, self.tokenizer.encode(prompt)
            self._check_prompt(prompt, prompt_field)
        else:
            self._check_prompt(prompt, prompt_field)
            text = self.tokenizer.decode(prompt)
        answer = self.answers.answer(text, request.headers.get(SESSION_HEADER))
        answer, stopped_by = _up_to_stop(answer, stop)
        end = [self.tokenizer.eos_token_id] if stopped_by is None else []
        output = [*self.tokenizer.encode(answer), *end]
        limit = min(max_tokens or self.max_model_len_tokens, self.max_model_len_tokens - len(prompt))
        request_id = request_id or request.headers.get("X-Request-Id") or uuid.uuid4().hex
        try:
            generation = self.driver.submit(request_id, prompt, output[:limit], cache_salt or "", stream=stream)
        except ValueError as error:
            raise ApiError(str(error), param="request_id") from error
        try:
            yield Job(generation, len(output), stopped_by)
        finally:
            self.driver.discard(generation)

    def chat(self, messages: Iterable[Message], tools: Sequence[dict[str, Any]] | None = None) -> str:
        """Messages as the model's prompt, with what tools there are in the system prompt."""
        turns = [message.turn() for message in messages]
        if tools:
            rules = tool_calls.RULES.format(tools="\n".join(json.dumps(tool, ensure_ascii=False) for tool in tools))
            first, rest = (turns[0][1], turns[1:]) if turns[0][0] == "system" else ("", turns)
            turns = [("system", f"{first}\n\n{rules}" if first else rules), *rest]
        return self.tokenizer.apply_chat_template(turns)

    def text(self, job: Job) -> str:
        """The answer so far, without its end token."""
        return self.tokenizer.decode(self._without_end(job.generation.token_ids))

    async def texts(self, job: Job) -> AsyncIterator[str]:
        """The same as it comes, empty where tokens came that make no character yet."""
        text = TextStream(self.tokenizer)
        async for token_ids in job.generation.stream():
            yield text.feed(self._without_end(token_ids))
        yield text.feed([], last=True)

    def made_up_logprobs(self, tokens: int) -> list[float]:
        """Of an answer's tokens: a scripted policy has none."""
        return [-self.randomness.expovariate(1 / MEAN_SURPRISE_NATS) for _ in range(tokens)]

    def usage(self, job: Job, record: RequestRecord | None) -> dict[str, Any]:
        """OpenAI's usage block."""
        prompt_tokens, completion_tokens = len(job.generation.prompt), len(job.generation.token_ids)
        return {
            "prompt_tokens": prompt_tokens,
            "completion_tokens": completion_tokens,
            "total_tokens": prompt_tokens + completion_tokens,
            "prompt_tokens_details": {"cached_tokens": record.cached_tokens if record else 0},
        }

    def timing(self, record: RequestRecord | None) -> dict[str, float] | None:
        """Our extension of the answer: where the request spent its time, in wall seconds. None if aborted."""
        if record is None:
            return None
        scale = self.driver.time_scale
        return {
            "queued_s": record.queued_s / scale,
            "prefill_s": record.prefill_s / scale,
            "decode_s": record.decode_s / scale,
        }

    def _without_end(self, token_ids: Sequence[int]) -> Sequence[int]:
        return token_ids[:-1] if token_ids and token_ids[-1] == self.tokenizer.eos_token_id else token_ids

    def _check_prompt(self, prompt: Sequence[int], prompt_field: str) -> None:
        if not prompt:
            raise ApiError(f"{prompt_field} is empty, at least 1 token is needed", param=prompt_field)
        if max(prompt) >= self.tokenizer.vocab_size:
            raise ApiError(
                f"{prompt_field} has the token {max(prompt)}, it must be below {self.tokenizer.vocab_size}",
                param=prompt_field,
            )
        if len(prompt) >= self.max_model_len_tokens:
            raise ApiError(
                f"This model's maximum context length is {self.max_model_len_tokens} tokens, "
                f"{prompt_field} has {len(prompt)} and leaves no room for an answer",
                param=prompt_field,
                code="context_length_exceeded",
            )


def _up_to_stop(answer: str, stop: Sequence[str]) -> tuple[str, str | None]:
    """The answer up to the end of the stop string that ends first, and which that is."""
    ends = [(answer.index(text) + len(text), text) for text in stop if text in answer]
    if not ends:
        return answer, None
    end, text = min(ends)
    return answer[:end], text
