"""What the facts mean: each check is a function from them to a finding. Pure."""

from __future__ import annotations

from collections.abc import Callable

from thunderagent.adapters.engines.checkup.facts import Facts
from thunderagent.adapters.engines.checkup.finding import Checkup, Finding, Flag, Verdict
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
NOT_TRIED = "no request was sent"


def judged(facts: Facts) -> Checkup:
    """All findings on one engine; what cannot be known without another one is left out."""
    findings = [_reachable(facts), *_identity(facts)]
    if facts.kind is not None and not facts.problem:
        findings += [check(facts) for check in CHECKS]
    return Checkup(facts.url, facts.kind, name_of(facts), facts.asks_for_key, tuple(findings))


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


def _flagged(facts: Facts, check: str, verdict: Verdict, seen: str) -> Finding:
    """Mended by a flag of this kind of engine, where it has one."""
    flag = _flag(facts, check)
    return finding(check, verdict, seen, None if flag is None else fix_of(flag), flag=flag)


def _flag(facts: Facts, check: str) -> Flag | None:
    """The embedded engine has none of vLLM's flags."""
    return None if facts.kind is None or facts.simulated else FLAGS[facts.kind].get(check)


def fix_of(flag: Flag) -> str:
    """In words."""
    return f"start it without {flag.text}" if flag.remove else f"start it with {flag.text}"


def _reachable(facts: Facts) -> Finding:
    if facts.answered_s is None:
        return finding("reachable", Verdict.WRONG, facts.problem or "nothing answers", facts.advice)
    return finding("reachable", Verdict.OK, f"answers within {facts.answered_s * 1_000:.0f} ms")


def _identity(facts: Facts) -> list[Finding]:
    if facts.answered_s is None:
        return []
    if facts.kind is None or facts.problem:
        return [finding("kind", Verdict.WRONG, facts.problem or "nobody knows what it is", facts.advice)]
    return [finding("kind", Verdict.OK, name_of(facts) or "")]


def _models(facts: Facts) -> Finding:
    if facts.models_problem is not None:
        fix = "name its API key with --api-key-file or --api-key-env" if facts.asks_for_key else None
        return finding("models", Verdict.MISSING, facts.models_problem, fix)
    if not facts.models:
        return finding("models", Verdict.MISSING, "it serves none", "start it with a model")
    texts = (
        model.name if model.longest_tokens is None else f"{model.name} (up to {model.longest_tokens:,} tokens)"
        for model in facts.models
    )
    return finding("models", Verdict.OK, ", ".join(texts))


def _metrics(facts: Facts) -> Finding:
    if facts.reading is None:
        return _flagged(facts, "metrics", Verdict.MISSING, facts.reading_problem or "they are not told")
    if facts.setup.metrics is False:
        return _flagged(facts, "metrics", Verdict.MISSING, "/metrics has none of the engine")
    ranks = facts.reading.ranks
    if any(rank.running is None for rank in ranks):
        return _flagged(facts, "metrics", Verdict.MISSING, "they do not tell how many requests run")
    waiting = sum(rank.waiting or 0 for rank in ranks)
    return finding("metrics", Verdict.OK, f"{sum(rank.running or 0 for rank in ranks)} requests run, {waiting} wait")


def _kv_capacity(facts: Facts) -> Finding:
    reading = facts.reading
    if reading is None or reading.capacity_tokens is None:
        seen = "; ".join(reading.problems) if reading is not None and reading.problems else "it is not told"
        fix = "mend its metrics, or tell the gateway --capacity-tokens"
        return finding("kv_capacity", Verdict.MISSING, seen, fix, flag=_flag(facts, "metrics"))
    each = [rank.capacity_tokens or 0 for rank in reading.ranks]
    block = facts.setup.block_tokens or 1
    whole = f"{sum(each):,} tokens"
    if len(each) > 1:
        same = f"{len(each)} ranks of {each[0]:,}" if len(set(each)) == 1 else "ranks of " + ", ".join(f"{one:,}" for one in each)
        return finding("kv_capacity", Verdict.OK, f"{whole} ({same})")
    if block > 1 and each[0] % block == 0:
        whole += f" ({each[0] // block:,} blocks of {block})"
    return finding("kv_capacity", Verdict.OK, whole)


def _prefix_caching(facts: Facts) -> Finding:
    if facts.setup.prefix_caching is False:
        return _flagged(facts, "prefix_caching", Verdict.WRONG, "it is off")
    again = facts.trial.again if facts.trial is not None else None
    if facts.setup.prefix_caching or (again is not None and again.cached_tokens):
        return finding("prefix_caching", Verdict.OK, "it is on")
    return finding("prefix_caching", Verdict.UNKNOWN, "the engine does not tell")


def _request(facts: Facts) -> Finding:
    trial = facts.trial
    if trial is None:
        seen = NOT_TRIED if facts.models else "no model is known to ask"
        return finding("request", Verdict.UNKNOWN, seen, "leave out --no-request" if facts.models else None)
    if trial.took_s is None:
        return finding("request", Verdict.WRONG, trial.problem or "it is not answered", "look into the engine's log")
    return finding("request", Verdict.OK, f"two tokens within {trial.took_s:.2f} s")


def _cached_tokens(facts: Facts) -> Finding:
    trial = facts.trial
    if trial is None or trial.again is None:
        if facts.setup.cache_report is False:
            return _flagged(facts, "cached_tokens", Verdict.MISSING, "it says that it leaves them out of usage")
        if facts.setup.cache_report:
            return finding("cached_tokens", Verdict.OK, "it says that usage has them")
        return finding("cached_tokens", Verdict.UNKNOWN, NOT_TRIED if trial is None else "the request failed")
    prompt, cached = trial.again.prompt_tokens or 0, trial.again.cached_tokens
    if cached is None:
        return _flagged(facts, "cached_tokens", Verdict.MISSING, "usage does not tell them")
    if cached or facts.setup.prefix_caching is False:
        return finding("cached_tokens", Verdict.OK, f"{cached:,} of {prompt:,} when a prompt came again")
    seen = f"0 of {prompt:,} though the prompt had just been there"
    if prompt < 2 * (facts.setup.block_tokens or 1):
        return finding("cached_tokens", Verdict.UNKNOWN, f"{seen}; it was shorter than two blocks")
    if facts.reading is not None and len(facts.reading.ranks) > 1 and not facts.reading.routes_ranks:
        return finding("cached_tokens", Verdict.UNKNOWN, f"{seen}; it may have gone to another rank")
    fix = "name the engines themselves, not a load balancer before them; a very busy engine evicts at once: ask again"
    return finding("cached_tokens", Verdict.WRONG, seen, fix)


def _stream_usage(facts: Facts) -> Finding:
    trial = facts.trial
    if trial is None:
        return finding("stream_usage", Verdict.UNKNOWN, NOT_TRIED)
    if trial.again is None or trial.stream_problem is not None:
        return finding("stream_usage", Verdict.UNKNOWN, trial.stream_problem or "the request failed")
    fix = "update the engine, and look for a proxy before it that changes streams"
    if trial.streamed is None:
        return finding("stream_usage", Verdict.MISSING, "a stream ends without it, though it was asked for", fix)
    if trial.streamed.cached_tokens is None and trial.again.cached_tokens is not None:
        return finding("stream_usage", Verdict.WRONG, "it comes, but without cached tokens", fix)
    return finding("stream_usage", Verdict.OK, f"comes at the end: {trial.streamed.prompt_tokens or 0:,} prompt tokens")


def _abort(facts: Facts) -> Finding:
    trial = facts.trial
    if trial is None or trial.aborted is None:
        seen = NOT_TRIED if trial is None else trial.abort_unknown or "the request failed"
        return finding("abort", Verdict.UNKNOWN, seen)
    if trial.aborted:
        return finding("abort", Verdict.OK, "a request ends when its client leaves")
    fix = "name the engine itself: a proxy before it may keep its connection open; update the engine"
    return finding("abort", Verdict.WRONG, "a request went on after its client had left", fix)


def _ranks(facts: Facts) -> Finding:
    if facts.reading is None:
        return finding("ranks", Verdict.UNKNOWN, "they are read with the metrics")
    number = len(facts.reading.ranks)
    if number == 1:
        return finding("ranks", Verdict.OK, "one")
    if facts.reading.routes_ranks:
        return finding("ranks", Verdict.OK, f"{number}; a request can name its own (X-data-parallel-rank)")
    fix = "update the engine, or serve each rank at an address of its own"
    return finding("ranks", Verdict.WRONG, f"{number}, and requests cannot name theirs", fix)


def _context_length(facts: Facts) -> Finding:
    longest = max((model.longest_tokens for model in facts.models if model.longest_tokens is not None), default=None)
    capacities = [rank.capacity_tokens for rank in facts.reading.ranks] if facts.reading is not None else []
    known = [capacity for capacity in capacities if capacity is not None]
    if longest is None or not known:
        return finding("context_length", Verdict.UNKNOWN, "context length or KV capacity are not told")
    seen = f"up to {longest:,} tokens, {min(known) / longest:.1f} of them at once in the KV cache"
    if longest <= min(known):
        return finding("context_length", Verdict.OK, seen)
    return _flagged(facts, "context_length", Verdict.WRONG, f"up to {longest:,} tokens, more than the KV cache of {min(known):,}")


def _priority(facts: Facts) -> Finding:
    if facts.reading is not None and facts.reading.priority is not None:
        return finding("priority", Verdict.OK, f"taken, {facts.reading.priority.value}")
    return _flagged(facts, "priority", Verdict.MISSING, "off" if _tells_arguments(facts) else "off, or not told")


def _kv_events(facts: Facts) -> Finding:
    if facts.setup.kv_events:
        return finding("kv_events", Verdict.OK, "published")
    return _flagged(facts, "kv_events", Verdict.MISSING, "not told" if facts.setup.kv_events is None else "off")


def _development(facts: Facts) -> Finding:
    if facts.setup.development:
        return finding("development", Verdict.OK, "it can be paused and its cache emptied")
    return _flagged(facts, "development", Verdict.MISSING, "off")


def _host_tier(facts: Facts) -> Finding:
    host_tokens = sum(rank.host_tokens for rank in facts.reading.ranks) if facts.reading is not None else 0
    if host_tokens:
        return finding("host_tier", Verdict.OK, f"{host_tokens:,} tokens")
    return _flagged(facts, "host_tier", Verdict.MISSING, "none" if _tells_arguments(facts) else "none, or not told")


def _tells_arguments(facts: Facts) -> bool:
    """Whether the engine shows how it was started; vLLM does where it has its development endpoints."""
    return bool(facts.setup.development)


CHECKS: tuple[Callable[[Facts], Finding], ...] = (
    _models,
    _metrics,
    _kv_capacity,
    _prefix_caching,
    _request,
    _cached_tokens,
    _stream_usage,
    _abort,
    _ranks,
    _context_length,
    _priority,
    _kv_events,
    _development,
    _host_tier,
)
