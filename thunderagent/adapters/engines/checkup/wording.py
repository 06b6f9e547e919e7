"""How findings are made: what is the same for all findings of a check, and the names of things."""

from __future__ import annotations

from thunderagent.adapters.engines.checkup.facts import Facts
from thunderagent.adapters.engines.checkup.finding import Finding, Flag, Verdict
from thunderagent.adapters.engines.checkup.flags import FLAGS
from thunderagent.adapters.engines.reading import EngineKind

NAMES = {EngineKind.VLLM: "vLLM", EngineKind.SGLANG: "SGLang", EngineKind.SKYRL: "SkyRL's server"}
WHY = {
    "reachable": "Turns run only on an engine that answers.",
    "kind": "How an engine is read depends on what it is.",
    "models": "A turn may run on any of the engines, so each has to serve the model that it names.",
    "metrics": "Load, preemptions and cache hits are read there, with every look.",
    "kv_capacity": "Programs are admitted while their KV caches fit; without it nothing is ever held back.",
    "prefix_caching": "Without it every turn computes its whole context again, whatever the scheduler does.",
    "request": "What engines tell of a request shows only in its answer.",
    "cached_tokens": "They tell whether a program's KV cache was still there; the scheduler corrects itself by them.",
    "stream_usage": "Most agents stream; the usage at the end tells how large a program is.",
    "abort": "A request whose client has left would go on, and hold KV cache that nobody counts.",
    "ranks": "Each rank has a KV cache of its own, and a program has to come back to the one that holds it.",
    "same_engine": "Its KV cache would be counted twice.",
    "context_length": "A context that is larger than the KV cache of a rank can never run.",
    "priority": "The engine then runs first what the scheduler wants first.",
    "kv_events": "They tell at once what was evicted; without them it shows with the next turn.",
    "development": "Weight syncs of RL pause the engine and empty its cache; serving needs none of it.",
    "host_tier": "KV cache that gives way can come back from host memory.",
}
"""Every check, in the order in which it is told."""
OPTIONAL = ("context_length", "priority", "kv_events", "development", "host_tier")


def name_of(facts: Facts) -> str | None:
    """What it is, for people."""
    if facts.kind is None:
        return None
    if facts.simulated:
        return "the embedded, simulated engine"
    return " ".join(filter(None, (NAMES[facts.kind], facts.setup.version)))


def finding(
    check: str, verdict: Verdict, seen: str, fix: str | None = None, *, flag: Flag | None = None, needed: bool | None = None
) -> Finding:
    """With what is the same for all findings of a check."""
    return Finding(check, verdict, seen, WHY[check], check not in OPTIONAL if needed is None else needed, fix, flag)


def flagged(facts: Facts, check: str, verdict: Verdict, seen: str) -> Finding:
    """Mended by a flag of this kind of engine, where it has one."""
    flag = flag_of(facts, check)
    return finding(check, verdict, seen, None if flag is None else fix_of(flag), flag=flag)


def flag_of(facts: Facts, check: str) -> Flag | None:
    """The embedded engine has none of vLLM's flags."""
    return None if facts.kind is None or facts.simulated else FLAGS[facts.kind].get(check)


def fix_of(flag: Flag) -> str:
    """In words."""
    return f"start it without {flag.text}" if flag.remove else f"start it with {flag.text}"
