"""A recorded trace, replayed, gives the same effects byte for byte."""

from __future__ import annotations

import json
import random
from pathlib import Path

import pytest

from thunderagent.core import (
    Admit,
    BackendJoined,
    CapPolicy,
    DefaultPolicy,
    Event,
    Limits,
    Policy,
    ProgramRecovered,
    ProgramReleased,
    StatisticsRecovered,
    ThunderPolicy,
    TimerFired,
    TrPolicy,
    TurnArrived,
    TurnCancelled,
    TurnEnded,
    Usage,
    WeightSyncBegan,
    WeightSyncEnded,
)
from thunderagent.core.trace import RecordedScheduler, replay
from thunderagent.errors import IllegalEvent, TraceError

GOLDEN = Path(__file__).parent / "traces"


def record(policy: Policy, seed: int, events: int = 600) -> list[str]:
    """A seeded run of some forty programs in six groups on two backends, with everything that a host sends."""
    chance, lines = random.Random(seed), list[str]()
    scheduler = RecordedScheduler(policy, Limits(idle_ttl_s=120.0, max_programs=30), write=lines.append)
    now, next_turn, running = 0.0, 1, dict[int, int]()

    def send(event: Event) -> None:
        for effect in scheduler.handle(event, round(now, 3)):
            if isinstance(effect, Admit):
                running.setdefault(effect.turn_id, 0)

    for name in ("a", "b"):
        send(BackendJoined(name, 20_000, host_tokens=0))
    for _ in range(events):
        now += chance.expovariate(2.0)
        choice = chance.random()
        program = f"{chance.choice('ghijkl')}_{chance.randrange(7)}"
        if choice < 0.45:
            tokens = chance.randrange(500, 6_000)
            send(TurnArrived(program, next_turn, tokens, program[0], "train", tool=chance.choice(["bash", "search"])))
            next_turn += 1
        elif choice < 0.85 and running:
            turn = chance.choice(sorted(running))
            del running[turn]
            prompt = chance.randrange(500, 6_000)
            send(TurnEnded(turn, Usage(prompt, chance.randrange(300), chance.randrange(prompt), 0.25), "bash"))
        elif choice < 0.88 and running:
            turn = chance.choice(sorted(running))
            del running[turn]
            send(TurnCancelled(turn))
        elif choice < 0.94:
            send(ProgramReleased(program))
            running = {t: 0 for t in running if t in scheduler._state.turns}
        elif choice < 0.96:
            send(WeightSyncBegan())
            send(WeightSyncEnded(kv_lost=choice < 0.95))
        else:
            send(TimerFired())
    return lines


@pytest.mark.parametrize(
    "make_policy",
    [DefaultPolicy, CapPolicy, TrPolicy, TrPolicy.published, ThunderPolicy, lambda: ThunderPolicy(hints=True, group_aware=True)],
)
def test_replaying_a_run_gives_the_same_lines(make_policy: type[Policy]) -> None:
    for seed in range(3):
        lines = record(make_policy(), seed)
        assert list(replay(lines)) == lines
        assert any('"Admit"' in line for line in lines)


@pytest.mark.parametrize("path", sorted(GOLDEN.glob("*.jsonl")), ids=lambda path: path.stem)
def test_a_trace_recorded_by_an_earlier_version_is_decided_the_same(path: Path) -> None:
    """Where a policy was changed on purpose, record it anew: ``python -m tests.core.test_trace``."""
    lines = path.read_text(encoding="utf-8").splitlines()
    assert len(lines) > 100
    assert list(replay(lines)) == lines


def test_there_is_a_golden_trace_of_each_policy() -> None:
    assert {path.stem for path in GOLDEN.glob("*.jsonl")} == set(GOLDEN_POLICIES)


def test_a_rejected_event_is_not_recorded() -> None:
    lines: list[str] = []
    scheduler = RecordedScheduler(DefaultPolicy(), write=lines.append)
    scheduler.handle(BackendJoined("a", 10), 0.0)
    scheduler.handle(TurnArrived("p", 1, 5), 0.0)
    with pytest.raises(IllegalEvent):
        scheduler.handle(TurnArrived("p", 1, 5), 0.0)
    assert len(lines) == 3


JOINED = '{"now": 0, "kind": "BackendJoined", "backend_id": "a", "capacity_tokens": null}'
ARRIVAL = '{"now": 1, "kind": "TurnArrived", "program_id": "p", "turn_id": 1, "prompt_tokens": 5}'
HEADER = '{"trace": 1, "policy": {"name": "default"}, "limits": {}}'


@pytest.mark.parametrize(
    ("lines", "problem"),
    [
        (["{"], "Expecting property name"),
        (["[1]"], "it is no JSON object"),
        (['{"trace": 9}'], "a trace of version 1 starts with a line that says so"),
        (['{"trace": 1}'], "no scheduler can be made from it ('policy')"),
        (['{"trace": 1, "policy": {"name": "fast"}, "limits": {}}'], "no scheduler can be made from it ('fast')"),
        (['{"trace": 1, "policy": {"name": "cap", "slots": 1}, "limits": {}}'], "unexpected keyword argument 'slots'"),
        ([HEADER, '{"kind": "TimerFired"}'], "it says no time in 'now'"),
        ([HEADER, JOINED, ARRIVAL, ARRIVAL], "a scheduler of today has decided otherwise before (TurnArrived: turn 1 is running"),
        ([HEADER, '{"now": 1, "kind": "Rain"}'], "'kind' must be one of TurnArrived, FirstToken"),
        ([HEADER, '{"now": 1, "kind": "TurnEnded"}'], "missing 1 required positional argument: 'turn_id'"),
        (
            [HEADER, '{"now": 1, "kind": "TurnEnded", "turn_id": 1, "usage": {"tokens": 5}}'],
            "unexpected keyword argument 'tokens'",
        ),
    ],
)
def test_a_broken_trace_names_the_line_and_the_problem(lines: list[str], problem: str) -> None:
    with pytest.raises(TraceError) as caught:
        list(replay(lines))
    assert problem in str(caught.value)
    assert repr(lines[-1])[:40] in str(caught.value)


GOLDEN_POLICIES = {
    "default": DefaultPolicy,
    "cap": lambda: CapPolicy(programs_per_backend=3),
    "tr": TrPolicy,
    "tr_published": lambda: TrPolicy.published(acting_half_life_s=1.0),
    "thunder": ThunderPolicy,
}


def main() -> None:
    """Record the golden traces anew."""
    GOLDEN.mkdir(exist_ok=True)
    for name, make_policy in GOLDEN_POLICIES.items():
        lines = record(make_policy(), seed=7, events=250)
        assert json.loads(lines[0])["trace"] == 1
        (GOLDEN / f"{name}.jsonl").write_text("\n".join(lines) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()


def test_recoveries_are_replayed_too() -> None:
    lines: list[str] = []
    scheduler = RecordedScheduler(ThunderPolicy(), write=lines.append)
    scheduler.handle(BackendJoined("a", 5_000), 1.0)
    scheduler.handle(StatisticsRecovered({"counters": {"turns": 7}, "backends": {"b": {"fit": 0.9}}}), 2.0)
    scheduler.handle(ProgramRecovered("p", 4, context_tokens=3_000, backend_id="a", held=True, acting_s=1.0), 3.0)
    assert scheduler.ledger.backends["a"].private_tokens == 3_000
    assert list(replay(lines)) == lines
