"""SGLang's own generate, of one prompt: text or token ids in; text, token ids and counts out, whole or as server-sent events."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from aiohttp import web

from thunderagent.adapters.engines.simulated.service import Job, Service
from thunderagent.adapters.engines.simulated.sse import EventStream
from thunderagent.adapters.engines.simulated.wire import SglangRequest, SglangSamplingParams, json_response, read_body
from thunderagent.simulation import RequestRecord


class SglangEndpoint:
    """Handler of /generate."""

    def __init__(self, service: Service) -> None:
        self._service = service

    async def generate(self, request: web.Request) -> web.StreamResponse:
        """Generate what comes after the prompt."""
        service = self._service
        body = await read_body(request, SglangRequest)
        service.check_request(None, body.sampling_params.n)
        prompt = body.one_prompt()
        with service.generating(
            request,
            prompt,
            prompt_field="text" if isinstance(prompt, str) else "input_ids",
            max_tokens=body.sampling_params.max_new_tokens,
            cache_salt=body.cache_salt,
            request_id=body.rid,
            stream=body.stream,
            stop=body.sampling_params.stops(),
        ) as job:
            if body.stream:
                return await self._stream(request, job, body)
            record = await job.generation.done
            text = self._ended(job, body, service.text(job), record)
            return json_response(self._answer(job, body, job.generation.token_ids, text, self._end(job, record)))

    async def _stream(self, request: web.Request, job: Job, body: SglangRequest) -> web.StreamResponse:
        """Every event has all that was generated so far."""
        events = EventStream()
        await events.open(request)
        text = ""
        async for delta in self._service.texts(job):
            text += delta
            if not job.generation.done.done():
                await events.send(self._answer(job, body, job.generation.token_ids, text, {"finish_reason": None}))
        record = await job.generation.done
        text = self._ended(job, body, text, record)
        await events.send(self._answer(job, body, job.generation.token_ids, text, self._end(job, record)))
        await events.send_done()
        return await events.close()

    def _answer(self, job: Job, body: SglangRequest, token_ids: Sequence[int], text: str, more: dict[str, Any]) -> dict[str, Any]:
        meta: dict[str, Any] = {
            "id": job.generation.request_id,
            "prompt_tokens": len(job.generation.prompt),
            "completion_tokens": len(token_ids),
            "cached_tokens": 0,
            "weight_version": self._service.weight_version,
        }
        if body.return_logprob:
            logprobs = self._service.made_up_logprobs(len(token_ids))
            pairs = zip(logprobs, token_ids, strict=True)
            meta["output_token_logprobs"] = [[logprob, token_id, None] for logprob, token_id in pairs]
        return {"text": text, "output_ids": token_ids, "meta_info": meta | more}

    def _end(self, job: Job, record: RequestRecord | None) -> dict[str, Any]:
        """What is known when all is there."""
        if record is None:
            return {"finish_reason": {"type": "abort", "message": "Aborted"}}
        token_ids = job.generation.token_ids
        reason: dict[str, Any] = {"type": "stop", "matched": job.stop or token_ids[-1]}
        if job.finish_reason(record) == "length":
            reason = {"type": "length", "length": len(token_ids)}
        took_s = record.queued_s + record.prefill_s + record.decode_s
        return {
            "finish_reason": reason,
            "cached_tokens": record.cached_tokens,
            "e2e_latency": took_s / self._service.driver.time_scale,
        }

    def _ended(self, job: Job, body: SglangRequest, text: str, record: RequestRecord | None) -> str:
        """The text with what ended it, or without: as the request wants it."""
        params = body.sampling_params
        if record is None or job.finish_reason(record) == "length":
            return text
        if job.stop is not None:
            return text if params.no_stop_trim else text.removesuffix(job.stop)
        return text + self._service.tokenizer.decode([job.generation.token_ids[-1]]) if _shows_end(params) else text


def _shows_end(params: SglangSamplingParams) -> bool:
    return params.no_stop_trim and not params.skip_special_tokens
