"""The agent: slime's generate function and reward function. Nothing here knows of thunderagent, or of simulated engines.

``--custom-generate-function-path recipes.slime_search.agent.generate --custom-rm-path recipes.slime_search.agent.reward``, or, to
have it scheduled, ``thunderagent.adapters.slime.generate`` with ``inner_generate: recipes.slime_search.agent.generate`` in its
section ``thunder``. Settings come from slime's ``--custom-config-path`` file, as attributes of ``args``.
"""

from __future__ import annotations

import asyncio
import math
import random
from argparse import Namespace
from typing import Any

from slime.rollout.sglang_rollout import GenerateState
from slime.utils.http_utils import post
from slime.utils.types import Sample

from recipes.slime_search.index import shipped
from recipes.slime_search.protocol import END_OF_INFORMATION, NO_ACTION, STOPS, action_of, information
from recipes.slime_search.reward import exact_match

MAX_TURNS, TOP, LATENCY_S = 14, 4, 0.0
"""Defaults of ``search_max_turns``, ``search_top`` and ``search_latency_s``."""
LATENCY_SIGMA = 1.0
"""Spread of the emulated latency: its 99th percentile is ten times its median."""


async def generate(args: Namespace, sample: Any, sampling_params: dict[str, Any]) -> Any:
    """Think, search, read, and so on, until there is an answer, the turns are used up or slime aborts.

    A sample that was aborted goes on where it was (``--partial-rollout``). Tokens are appended as the engine gave them.
    """
    state = GenerateState(args)
    url = f"http://{args.sglang_router_ip}:{args.sglang_router_port}/generate"
    params = {**sampling_params, "stop": [*_listed(sampling_params.get("stop")), *STOPS]}
    if not sample.tokens:
        sample.tokens = state.tokenizer(sample.prompt, add_special_tokens=False)["input_ids"]
    turn = sample.response.count(END_OF_INFORMATION) + sample.response.count(NO_ACTION)
    while turn < getattr(args, "search_max_turns", MAX_TURNS):
        if state.aborted:
            sample.status = Sample.Status.ABORTED
            return sample
        room = sampling_params["max_new_tokens"] - sample.response_length
        if room <= 0:
            break
        body = {"input_ids": sample.tokens, "sampling_params": {**params, "max_new_tokens": room}, "return_logprob": True}
        output = await post(url, body)
        logprobs = output["meta_info"].get("output_token_logprobs") or []
        sample.append_response_tokens(
            args,
            tokens=[token for _, token, *_ in logprobs],
            log_probs=[logprob for logprob, *_ in logprobs],
            meta_info=output["meta_info"],
            text=output["text"],
        )
        if output["meta_info"]["finish_reason"]["type"] != "stop":  # aborted or cut: the status says so
            return sample
        action = action_of(sample.response.rpartition(END_OF_INFORMATION)[2])
        if action is not None and action[0] == "answer":
            return sample
        _append_text(args, sample, state.tokenizer, NO_ACTION if action is None else await search(args, action[1]))
        turn += 1
    sample.status = Sample.Status.TRUNCATED
    return sample


async def search(args: Namespace, query: str) -> str:
    """What the search tool finds, after as long as a remote one would take."""
    found = shipped().search(query, getattr(args, "search_top", TOP))
    if median_s := getattr(args, "search_latency_s", LATENCY_S):
        # It never changes what an attempt does, so it is not seeded.
        await asyncio.sleep(random.lognormvariate(math.log(median_s), LATENCY_SIGMA))
    return information(found)


async def reward(args: Namespace, sample: Any, **kwargs: Any) -> float:
    """1 for the right answer, else 0."""
    return exact_match(sample.response, sample.label)


def _append_text(args: Namespace, sample: Any, tokenizer: Any, text: str) -> None:
    """Text that the model reads but has not written."""
    tokens = tokenizer(text, add_special_tokens=False)["input_ids"]
    sample.append_response_tokens(args, tokens=tokens, trainable=False, text=text)


def _listed(stop: str | list[str] | None) -> list[str]:
    return [stop] if isinstance(stop, str) else list(stop or ())
