"""One sample: the user's generate function, run with its turns on their way through the scheduler."""

from __future__ import annotations

import logging
from argparse import Namespace
from typing import Any

import httpx

from thunderagent.adapters.slime.aborts import follow
from thunderagent.adapters.slime.functions import OUR_ROLLOUT, ROLLOUT, call_generate, function_at, require_slime
from thunderagent.adapters.slime.hosts import host_of, interrupt_all
from thunderagent.adapters.slime.programs import phase_of, program_id
from thunderagent.adapters.slime.settings import PREFIX, SlimeSettings, settings_of
from thunderagent.errors import ConfigError

logger = logging.getLogger(__name__)

FAN_OUT = (
    "returns a list of samples, which slime cannot put back when it aborts with --partial-rollout: leave that flag out, "
    "or return one sample"
)


async def generate(args: Namespace, sample: Any, sampling_params: dict[str, Any], evaluation: bool) -> Any:
    """``thunderagent.adapters.slime.generate``."""
    require_slime()
    settings = settings_of(args)
    inner = function_at(PREFIX + "inner_generate", settings.inner_generate)
    sampling_params = dict(sampling_params)  # an evaluation gives all its samples the same one, and functions write into it
    host = await host_of(args, settings)
    if host is None:
        return await call_generate(inner, args, sample, sampling_params, evaluation)
    _follow_aborts(args)
    program = program_id(sample, evaluation)
    comes_back = False
    host.enter(program)
    try:
        result = await call_generate(inner, host.args_for(args, program), sample, sampling_params, evaluation)
        if isinstance(result, list) and not evaluation and getattr(args, "partial_rollout", False):
            raise ConfigError(PREFIX + "inner_generate", settings.inner_generate, FAN_OUT)
        if _is_aborted(result):
            host.notes.count(phase_of(evaluation), "aborted_samples")
            comes_back = not evaluation and _puts_back(args, settings)
        return result
    except httpx.HTTPError as error:  # slime's client has tried for a minute
        if settings.config.engine_failure == "raise" or not _may_be_replaced(args, error):
            raise
        logger.error("sample %s gets no gradient: no engine has answered: %s", getattr(sample, "index", None), error)
        host.notes.count(phase_of(evaluation), "failed_samples")
        return stand_in(args, sample, evaluation)
    finally:
        await host.leave(program, comes_back=comes_back)


def stand_in(args: Namespace, sample: Any, evaluation: bool) -> Any:
    """The sample, as one that training takes and learns nothing from. Fully-async would put an aborted one back for ever."""
    key = (getattr(args, "eval_reward_key", None) if evaluation else None) or getattr(args, "reward_key", None)
    sample.tokens, sample.response, sample.response_length = [0, 0], "", 1
    sample.loss_mask, sample.rollout_log_probs = [0], [0.0]
    sample.rollout_top_p_token_ids, sample.rollout_top_p_token_offsets = None, None
    if getattr(args, "rollout_top_p", 1.0) != 1.0:  # then slime wants them of every sample
        sample.rollout_top_p_token_ids, sample.rollout_top_p_token_offsets = [], [0, 0]
    sample.reward = {key: 0.0} if key else 0.0
    sample.remove_sample = True
    sample.status = type(sample).Status.COMPLETED
    return sample


def _follow_aborts(args: Namespace) -> None:
    """Asked for with slime's own arguments: the state keeps those that it is made with, and is one for the process."""
    from slime.rollout.sglang_rollout import GenerateState

    follow(GenerateState(args), interrupt_all)


def _is_aborted(result: Any) -> bool:
    samples = result if isinstance(result, list) else [result]
    return any(getattr(sample, "status", None) is type(sample).Status.ABORTED for sample in samples)


def _puts_back(args: Namespace, settings: SlimeSettings) -> bool:
    """Whether aborted samples are generated further later on. slime's own synchronous rollout drops them unless told otherwise;
    what another function does, only it knows."""
    path = getattr(args, "rollout_function_path", None) or ROLLOUT
    path = settings.inner_rollout if path == OUR_ROLLOUT else path
    return bool(getattr(args, "partial_rollout", False)) or path != ROLLOUT


def _may_be_replaced(args: Namespace, error: httpx.HTTPError) -> bool:
    """Whether it was a turn that failed, and not what the function asks of others; routed experts cannot be made up."""
    if getattr(args, "use_rollout_routing_replay", False):
        return False
    try:
        return error.request.url.path.startswith("/p/")
    except RuntimeError:  # it has no request
        return False
