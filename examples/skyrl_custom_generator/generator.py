"""A generator as a SkyRL user writes one. It knows nothing of thunderagent."""

from __future__ import annotations

import asyncio
from typing import Any

from skyrl.backends.skyrl_train.inference_servers.base import InferenceEngineInput
from skyrl.train.generators.base import GeneratorInterface

from examples.book import score, turn_page


class BookGenerator(GeneratorInterface):
    """One agent for each trajectory: it reads until it answers."""

    def __init__(self, tokenizer: Any, client: Any, config: Any) -> None:
        self._tokenizer, self._client, self._config = tokenizer, client, config

    async def generate(self, input_batch: Any) -> Any:
        """All trajectories of the batch at once."""
        attempts = zip(input_batch["prompts"], input_batch["env_extras"], input_batch["trajectory_ids"], strict=True)
        ends = await asyncio.gather(
            *(self._attempt(prompt, extras["book"], each, input_batch["sampling_params"]) for prompt, extras, each in attempts)
        )
        names = ("prompt_token_ids", "response_ids", "rewards", "loss_masks", "stop_reasons", "rollout_logprobs")
        return {**{name: [end[name] for end in ends] for name in names}, "rollout_metrics": None}

    async def _attempt(self, prompt: Any, book: int, trajectory: Any, sampling_params: Any) -> dict[str, Any]:
        session = trajectory.to_string()
        begin = self._tokenizer.apply_chat_template(prompt, add_generation_prompt=True, tokenize=True, return_dict=False)
        tokens, mask, logprobs = list(begin), [0] * len(begin), [0.0] * len(begin)
        said = stop_reason = ""
        try:
            for _ in range(self._config.max_turns):
                if len(tokens) > self._config.max_input_length:
                    stop_reason = "length"
                    break
                turn = InferenceEngineInput(prompt_token_ids=[tokens], session_ids=[session], sampling_params=sampling_params)
                output = await self._client.generate(turn)
                said, written, stop_reason = output["responses"][0], output["response_ids"][0], output["stop_reasons"][0]
                tokens, mask = tokens + written, mask + [1] * len(written)
                logprobs += (output["response_logprobs"] or [[0.0] * len(written)])[0]
                page = await turn_page(book, said)
                if page is None or stop_reason != "stop":
                    break
                seen = self._observation(page)
                tokens, mask, logprobs = tokens + seen, mask + [0] * len(seen), logprobs + [0.0] * len(seen)
        finally:
            await self._client.finish_session(session)
        response = slice(len(begin), None)
        return {
            "prompt_token_ids": list(begin),
            "response_ids": tokens[response],
            "loss_masks": mask[response],
            "rollout_logprobs": logprobs[response],
            "rewards": score(book, said),
            "stop_reasons": stop_reason,
        }

    def _observation(self, text: str) -> list[int]:
        """What is read between two messages of the model, in ChatML."""
        framed = f"\n<|im_start|>user\n{text}<|im_end|>\n<|im_start|>assistant\n"
        return list(self._tokenizer.encode(framed, add_special_tokens=False))
