"""One step: the user's rollout function (slime's own, if nothing else is said), with its samples scheduled and measured."""

from __future__ import annotations

import logging
from argparse import Namespace
from typing import Any

from thunderagent.adapters.slime.functions import OUR_GENERATE, function_at, require_slime
from thunderagent.adapters.slime.host import Host
from thunderagent.adapters.slime.hosts import open_host
from thunderagent.adapters.slime.programs import phase_of
from thunderagent.adapters.slime.settings import PREFIX, SECTION, settings_of
from thunderagent.errors import ConfigError

logger = logging.getLogger(__name__)

PREFIXES = {False: "rollout/thunder/", True: "eval/thunder/"}
"""By whether it is an evaluation. slime gives other prefixes no axis of steps."""


def generate_rollout(args: Namespace, rollout_id: int, data_source: Any, evaluation: bool) -> Any:
    """``thunderagent.adapters.slime.generate_rollout``."""
    require_slime()
    settings_of(args)  # whatever is wrong with them is said before they are added to
    schedule_samples(args)
    settings = settings_of(args)
    key = "inner_eval" if evaluation else "inner_rollout"
    inner = function_at(PREFIX + key, getattr(settings, key))
    host = open_host(args, settings)
    if host is not None:
        _whatever_happens(host.begin_step)
    output = _as_output(inner(args, rollout_id, data_source, evaluation=evaluation), evaluation)
    if host is not None:
        output.metrics = {**(output.metrics or {}), **_metrics(host, evaluation)}
    return output


def schedule_samples(args: Namespace | None) -> None:
    """Have slime call our ``generate`` for each sample, and that the user's: the path of the rollout function is then enough.

    Raises:
        ConfigError: the user's is named twice, and differently.
    """
    if args is None:  # in slime's tests of plug-ins
        return
    given = getattr(args, "custom_generate_function_path", None)
    if given == OUR_GENERATE:
        return
    if given is not None:
        section = dict(getattr(args, SECTION, None) or {})
        if section.setdefault("inner_generate", given) != given:
            told = f"--custom-generate-function-path is {given}: give one of them, or {OUR_GENERATE} there"
            raise ConfigError(PREFIX + "inner_generate", section["inner_generate"], told)
        setattr(args, SECTION, section)
    args.custom_generate_function_path = OUR_GENERATE


def _as_output(output: Any, evaluation: bool) -> Any:
    """slime takes bare lists and dicts, too; metrics need something to be in."""
    from slime.rollout.base_types import RolloutFnEvalOutput, RolloutFnTrainOutput

    if isinstance(output, RolloutFnTrainOutput | RolloutFnEvalOutput):
        return output
    return RolloutFnEvalOutput(data=output) if evaluation else RolloutFnTrainOutput(samples=output)


def _metrics(host: Host, evaluation: bool) -> dict[str, float]:
    measured = _whatever_happens(lambda: host.end_step(phase_of(evaluation))) or {}
    return {PREFIXES[evaluation] + name: value for name, value in measured.items()}


def _whatever_happens(function: Any) -> Any:
    """What is only looked at or measured must not end the training."""
    try:
        return function()
    except Exception:
        logger.exception("a step of training goes on without what it was to be told of its turns")
        return None
