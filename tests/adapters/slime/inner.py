"""Generate and rollout functions of users. They know nothing of thunderagent."""

from __future__ import annotations

import asyncio
import copy
from typing import Any

TURNS = 3
SEEN: list[Any] = []
"""Noted by functions, for the tests."""


async def several_turns(args: Any, sample: Any, sampling_params: dict[str, Any]) -> Any:
    """Asks, uses a tool, asks again; goes on where it was if it comes back."""
    from slime.rollout.sglang_rollout import GenerateState
    from slime.utils.http_utils import post

    state = GenerateState(args)
    url = f"http://{args.sglang_router_ip}:{args.sglang_router_port}/generate"
    if not sample.tokens:
        sample.tokens = state.tokenizer.encode(sample.prompt, add_special_tokens=False)
    for turn in range(sample.metadata.get("turn", 0), TURNS):
        payload = {"input_ids": sample.tokens, "sampling_params": sampling_params, "return_logprob": True}
        output = await post(url, payload, headers={"X-SMG-Routing-Key": sample.session_id} if sample.session_id else None)
        meta = output["meta_info"]
        logprobs = meta.get("output_token_logprobs") or []
        sample.append_response_tokens(
            args, tokens=[x[1] for x in logprobs], log_probs=[x[0] for x in logprobs], meta_info=meta, text=output["text"]
        )
        if meta["finish_reason"]["type"] == "abort":
            return sample
        sample.metadata["turn"] = turn + 1
        await asyncio.sleep(0.01)
        sample.append_response_tokens(args, tokens=state.tokenizer.encode(" seen"), trainable=False, text=" seen")
    sample.status = type(sample).Status.COMPLETED
    return sample


async def never_looks(args: Any, sample: Any, sampling_params: dict[str, Any]) -> Any:
    """Asks again whatever it is told."""
    from slime.utils.http_utils import post

    url = f"http://{args.sglang_router_ip}:{args.sglang_router_port}/generate"
    for _ in range(TURNS):
        output = await post(url, {"text": sample.prompt, "sampling_params": sampling_params})
    sample.tokens, sample.response, sample.response_length = [1, 2], output["text"], 1
    aborted = output["meta_info"]["finish_reason"]["type"] == "abort"
    sample.status = type(sample).Status.ABORTED if aborted else type(sample).Status.COMPLETED
    return sample


async def two_samples(args: Any, sample: Any, sampling_params: dict[str, Any]) -> Any:
    """One execution, two samples to train on."""
    from slime.rollout.sglang_rollout import generate

    sample = await generate(args, sample, sampling_params)
    sample.rollout_id = sample.index
    return [sample, copy.deepcopy(sample)]


async def notes(args: Any, sample: Any, sampling_params: dict[str, Any], evaluation: bool = False) -> Any:
    """What it was called with."""
    from slime.rollout.sglang_rollout import generate

    SEEN.append((args, dict(sampling_params), evaluation))
    sampling_params["max_new_tokens"] -= 10
    return await generate(args, sample, sampling_params)


async def fails(args: Any, sample: Any, sampling_params: dict[str, Any]) -> Any:
    """A bug of the user's."""
    raise KeyError("a bug")


async def asks_once(args: Any, sample: Any, sampling_params: dict[str, Any]) -> Any:
    """Does not try again, unlike slime's own."""
    from slime.utils.http_utils import post

    url = f"http://{args.sglang_router_ip}:{args.sglang_router_port}/generate"
    await post(url, {"text": sample.prompt, "sampling_params": sampling_params}, max_retries=1)
    return sample


async def asks_elsewhere(args: Any, sample: Any, sampling_params: dict[str, Any]) -> Any:
    """Of something that does not answer, and is no engine."""
    from slime.utils.http_utils import post

    await post("http://127.0.0.1:9/tool", {}, max_retries=1)
    return sample


def bare(args: Any, rollout_id: int, data_source: Any, evaluation: bool = False) -> Any:
    """As rollout functions were before there were classes for it."""
    return {"toy": {"rewards": [], "truncated": [], "samples": []}} if evaluation else []
