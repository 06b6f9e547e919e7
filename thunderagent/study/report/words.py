"""What the names in a study mean, in plain words."""

from __future__ import annotations

from collections.abc import Sequence

from thunderagent.simulation.contenders import CONTENDERS

THUNDER, ALONE, BOUND, CAP, TR = "thunder", "default", "bound", "cap", "tr"
"""Names of policies that reports treat in a special way. ``bound`` is no policy: nothing can be better."""

LABELS = {ALONE: "engine alone", CAP: "best cap"}
"""Of policies whose name alone does not tell enough."""

METRICS = {
    "steps_per_min": "Turns (one answer of the model each) that all engines finish per minute.",
    "ratio": "Throughput as a multiple of what the engine alone gives on the same programs.",
    "bound_share": "Throughput as a part of the bound.",
    "makespan_s": "Time until the last program of the batch is over.",
    "groups_half_s": "Time until half of the groups of programs from one prompt are complete.",
    "hit_rate": "Part of the prompt tokens that is found in the KV cache and need not be computed again.",
    "reprefilled_tokens": "Prompt tokens that were computed once more because their KV had been evicted.",
    "preemptions": "Requests that the engine threw out midway for lack of memory, to begin again.",
    "wait_p50_s": "Half of the turns wait no longer than this from their arrival to their start in the engine.",
    "wait_p99_s": "99 of 100 turns wait no longer than this.",
    "wait_max_s": "No turn waits longer than this; turns still held back at the end count.",
    "progress_p10": "One program in ten advances no faster than this.",
    "fairness": "Jain's index of the programs' progress: 100% if all advance equally fast.",
    "imbalance": "Load of the busiest engine over the mean of all: 1 if they are equally busy.",
    "programs_done": "Programs that came to their end.",
    "programs_refused": "Programs that were turned away.",
}

STATES = {
    "reasoning": "reasoning in the engine",
    "queued": "queued in the engine",
    "tool": "running a tool",
    "paused": "held back by the scheduler",
}

TERMS = {
    "program": "One run of an agent from its first turn to its last: turns of the model and tool calls in alternation.",
    "load": "Contexts of all programs under way over the KV capacity of all engines. Above 1, not all of them fit.",
    "KV cache": "The engine's memory of contexts. What is found in it need not be computed again.",
    "seed": "A number from which all random choices of a simulation follow; each seed is another sample of programs.",
    "median, spread": "The middle value over seeds, and the lowest and highest.",
}


def policy_label(policy: str) -> str:
    """What a policy is called in pictures and tables."""
    return LABELS.get(policy, policy)


def policy_words(policies: Sequence[str]) -> dict[str, str]:
    """Of those that are known, by label."""
    return {policy_label(policy): CONTENDERS[policy].meaning for policy in policies if policy in CONTENDERS}
