"""A generate function and a reward function as a slime user writes them. They know nothing of thunderagent."""

from __future__ import annotations

from argparse import Namespace
from typing import Any

from slime.rollout.sglang_rollout import GenerateState
from slime.utils.http_utils import post
from slime.utils.types import Sample

from examples.book import MAX_TURNS, score, turn_page

AFTER_MESSAGE = "\n<|im_start|>user\n{}<|im_end|>\n<|im_start|>assistant\n"
"""What is read between two messages of the model, in ChatML."""


async def generate(args: Namespace, sample: Any, sampling_params: dict[str, Any]) -> Any:
    """``--custom-generate-function-path``: read until there is an answer, the turns are used up or slime aborts."""
    state = GenerateState(args)
    url = f"http://{args.sglang_router_ip}:{args.sglang_router_port}/generate"
    sample.tokens = sample.tokens or state.tokenizer(sample.prompt, add_special_tokens=False)["input_ids"]
    for _ in range(MAX_TURNS):
        if state.aborted:
            sample.status = Sample.Status.ABORTED
            return sample
        output = await post(url, {"input_ids": sample.tokens, "sampling_params": sampling_params, "return_logprob": True})
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
        page = await turn_page(sample.metadata["book"], output["text"])
        if page is None:
            return sample
        seen = AFTER_MESSAGE.format(page)
        tokens = state.tokenizer(seen, add_special_tokens=False)["input_ids"]
        sample.append_response_tokens(args, tokens=tokens, trainable=False, text=seen)
    sample.status = Sample.Status.TRUNCATED
    return sample


async def reward(args: Namespace, sample: Any, **kwargs: Any) -> float:
    """``--custom-rm-path``: 1 for the right word."""
    return score(sample.metadata["book"], sample.response)
