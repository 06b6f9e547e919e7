"""What shows only where several engines are seen together. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from thunderagent.adapters.engines.checkup.checks import judged
from thunderagent.adapters.engines.checkup.facts import Facts
from thunderagent.adapters.engines.checkup.finding import Checkup, Finding, Verdict
from thunderagent.adapters.engines.checkup.wording import finding


def judged_together(all_facts: Sequence[Facts]) -> list[Checkup]:
    """Every engine's findings, in order, those included that compare it with the engines before it."""
    checkups = []
    for index, facts in enumerate(all_facts):
        checkup, before = judged(facts), all_facts[:index]
        more = [found for found in (_same_engine(facts, before), _other_models(facts, before)) if found is not None]
        names = {found.check for found in more}
        kept = tuple(found for found in checkup.findings if found.check not in names)
        checkups.append(replace(checkup, findings=kept + tuple(more)))
    return checkups


def _same_engine(facts: Facts, before: Sequence[Facts]) -> Finding | None:
    for other in before:
        same_process = facts.setup.fingerprint is not None and facts.setup.fingerprint == other.setup.fingerprint
        if same_process or facts.addresses & other.addresses:
            return finding("same_engine", Verdict.WRONG, f"it is the engine of {other.url}", "name it once")
    return None


def _other_models(facts: Facts, before: Sequence[Facts]) -> Finding | None:
    served = {model.name for model in facts.models}
    for other in before:
        others = {model.name for model in other.models}
        if served and others and served != others:
            seen = f"{', '.join(sorted(served))}; {other.url} serves {', '.join(sorted(others))}"
            return finding("models", Verdict.WRONG, seen, "serve the same models on all, or give each model a gateway of its own")
    return None
