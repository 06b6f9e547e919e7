"""What the facts mean: each check is a function from them to a finding. Pure."""

from __future__ import annotations

from collections.abc import Callable

from thunderagent.adapters.engines.checkup.facts import Facts
from thunderagent.adapters.engines.checkup.finding import Checkup, Finding, Verdict
from thunderagent.adapters.engines.checkup.optional import OPTIONAL_CHECKS
from thunderagent.adapters.engines.checkup.wording import finding, flag_of, flagged, name_of

NOT_TRIED = "no request was sent"


def judged(facts: Facts) -> Checkup:
    """All findings on one engine; what cannot be known without another one is left out."""
    findings = [_reachable(facts), *_identity(facts)]
    if facts.kind is not None and not facts.problem:
        findings += [check(facts) for check in CHECKS]
    return Checkup(facts.url, facts.kind, name_of(facts), facts.asks_for_key, tuple(findings))


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
        return flagged(facts, "metrics", Verdict.MISSING, facts.reading_problem or "they are not told")
    if facts.setup.metrics is False:
        return flagged(facts, "metrics", Verdict.MISSING, "/metrics has none of the engine")
    ranks = facts.reading.ranks
    if any(rank.running is None for rank in ranks):
        return flagged(facts, "metrics", Verdict.MISSING, "they do not tell how many requests run")
    waiting = sum(rank.waiting or 0 for rank in ranks)
    return finding("metrics", Verdict.OK, f"{sum(rank.running or 0 for rank in ranks)} requests run, {waiting} wait")


def _kv_capacity(facts: Facts) -> Finding:
    reading = facts.reading
    if reading is None or reading.capacity_tokens is None:
        seen = "; ".join(reading.problems) if reading is not None and reading.problems else "it is not told"
        fix = "mend its metrics, or tell the gateway --capacity-tokens"
        return finding("kv_capacity", Verdict.MISSING, seen, fix, flag=flag_of(facts, "metrics"))
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
        return flagged(facts, "prefix_caching", Verdict.WRONG, "it is off")
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
            return flagged(facts, "cached_tokens", Verdict.MISSING, "it says that it leaves them out of usage")
        if facts.setup.cache_report:
            return finding("cached_tokens", Verdict.OK, "it says that usage has them")
        return finding("cached_tokens", Verdict.UNKNOWN, NOT_TRIED if trial is None else "the request failed")
    prompt, cached = trial.again.prompt_tokens or 0, trial.again.cached_tokens
    if cached is None:
        return flagged(facts, "cached_tokens", Verdict.MISSING, "usage does not tell them")
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
    *OPTIONAL_CHECKS,
)
