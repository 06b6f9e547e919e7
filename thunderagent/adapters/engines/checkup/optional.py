"""Checks of what scheduling can do without. Pure."""

from __future__ import annotations

from collections.abc import Callable

from thunderagent.adapters.engines.checkup.facts import Facts
from thunderagent.adapters.engines.checkup.finding import Finding, Verdict
from thunderagent.adapters.engines.checkup.wording import finding, flagged


def _context_length(facts: Facts) -> Finding:
    longest = max((model.longest_tokens for model in facts.models if model.longest_tokens is not None), default=None)
    capacities = [rank.capacity_tokens for rank in facts.reading.ranks] if facts.reading is not None else []
    known = [capacity for capacity in capacities if capacity is not None]
    if longest is None or not known:
        return finding("context_length", Verdict.UNKNOWN, "context length or KV capacity are not told")
    seen = f"up to {longest:,} tokens, {min(known) / longest:.1f} of them at once in the KV cache"
    if longest <= min(known):
        return finding("context_length", Verdict.OK, seen)
    return flagged(facts, "context_length", Verdict.WRONG, f"up to {longest:,} tokens, more than the KV cache of {min(known):,}")


def _priority(facts: Facts) -> Finding:
    if facts.reading is not None and facts.reading.priority is not None:
        return finding("priority", Verdict.OK, f"taken, {facts.reading.priority.value}")
    return flagged(facts, "priority", Verdict.MISSING, "off" if _tells_arguments(facts) else "off, or not told")


def _kv_events(facts: Facts) -> Finding:
    if facts.setup.kv_events:
        return finding("kv_events", Verdict.OK, "published")
    return flagged(facts, "kv_events", Verdict.MISSING, "not told" if facts.setup.kv_events is None else "off")


def _development(facts: Facts) -> Finding:
    if facts.setup.development:
        return finding("development", Verdict.OK, "it can be paused and its cache emptied")
    return flagged(facts, "development", Verdict.MISSING, "off")


def _host_tier(facts: Facts) -> Finding:
    host_tokens = sum(rank.host_tokens for rank in facts.reading.ranks) if facts.reading is not None else 0
    if host_tokens:
        return finding("host_tier", Verdict.OK, f"{host_tokens:,} tokens")
    return flagged(facts, "host_tier", Verdict.MISSING, "none" if _tells_arguments(facts) else "none, or not told")


def _tells_arguments(facts: Facts) -> bool:
    """Whether the engine shows how it was started; vLLM does where it has its development endpoints."""
    return bool(facts.setup.development)


OPTIONAL_CHECKS: tuple[Callable[[Facts], Finding], ...] = (_context_length, _priority, _kv_events, _development, _host_tier)
