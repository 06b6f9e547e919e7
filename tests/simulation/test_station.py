from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from random import Random

import pytest

from thunderagent.simulation import EngineSpec, SimulatedEngine
from thunderagent.simulation.agenda import Agenda
from thunderagent.simulation.events import Event, Finished
from thunderagent.simulation.station import Station

SPEC = EngineSpec(
    kv_capacity_tokens=1_600, prefill_tokens_per_s=1_000.0, decode_step_s=0.02, decode_s_per_kv_token=1e-5, max_batched_tokens=256
)


class Unleaping(SimulatedEngine):
    """Runs every step."""

    def quiet_steps(self) -> int:
        return 0


def finish_times(engine: SimulatedEngine, *, seed: int) -> list[tuple[str, float]]:
    """Random requests at random times."""
    agenda, times = Agenda(), []

    def report(event: Event) -> None:
        if isinstance(event, Finished):
            times.append((event.request_id, agenda.now_s))

    station, random = Station(engine, agenda, report), Random(seed)
    for number in range(40):
        prompt_tokens, output_tokens = random.randint(1, 400), random.randint(1, 200)
        chain = list(range(number * 1_000, number * 1_000 + 100))

        def submit(
            name: str = str(number), chain: list[int] = chain, sizes: tuple[int, int] = (prompt_tokens, output_tokens)
        ) -> None:
            station.submit_chain(name, chain, *sizes)

        agenda.at(random.uniform(0.0, 60.0), submit)
    agenda.run(1e6)
    return times


@pytest.mark.parametrize("seed", range(5))
def test_leaping_changes_no_time_at_which_a_request_ends(seed: int) -> None:
    leapt = finish_times(SimulatedEngine(SPEC), seed=seed)
    stepped = finish_times(Unleaping(SPEC), seed=seed)

    assert len(leapt) == 40
    assert [name for name, _ in leapt] == [name for name, _ in stepped]
    assert [at_s for _, at_s in leapt] == pytest.approx([at_s for _, at_s in stepped])


def finish_times_with_hints(engine: SimulatedEngine, *, seed: int) -> list[tuple[str, float]]:
    """Programs that come back for two more turns, each longer, and hints about them at random times."""
    agenda, times = Agenda(), []

    def report(event: Event) -> None:
        if isinstance(event, Finished):
            times.append((event.request_id, agenda.now_s))

    station, random = Station(engine, agenda, report), Random(seed)
    for program in range(12):
        chain = [*range(2), *range(program * 1_000 + 2, program * 1_000 + 100)]  # two blocks are the same for all
        prompt_tokens, began_s = random.randint(100, 400), random.uniform(0.0, 20.0)
        for turn in range(3):
            name, tokens = f"{program}/{turn}", prompt_tokens + 220 * turn
            output_tokens, priority = random.randint(1, 200), random.randint(0, 2)

            submit = partial(station.submit_chain, name, chain, tokens, output_tokens, priority=priority)
            agenda.at(began_s + 20.0 * turn, submit)
        for hint in (station.demote, station.free):
            agenda.at(random.uniform(0.0, 60.0), partial(hint, chain, 2))
    agenda.run(1e6)
    return times


@pytest.mark.parametrize("seed", range(4))
def test_leaping_changes_no_time_with_hints_a_host_tier_and_priorities(seed: int) -> None:
    spec = replace(SPEC, host_capacity_tokens=2_000, host_tokens_per_s=5_000.0, queue="priority")
    leapt = finish_times_with_hints(SimulatedEngine(spec), seed=seed)
    stepped = finish_times_with_hints(Unleaping(spec), seed=seed)

    assert len(leapt) == 36
    assert [name for name, _ in leapt] == [name for name, _ in stepped]
    assert [at_s for _, at_s in leapt] == pytest.approx([at_s for _, at_s in stepped])


@pytest.mark.parametrize("hint", [Station.demote, Station.free])
def test_a_hint_is_about_what_a_leap_has_computed_by_then(hint: Callable[[Station, list[int]], None]) -> None:
    agenda = Agenda()
    station = Station(SimulatedEngine(SPEC), agenda, lambda event: None)
    station.submit_chain("a", list(range(20)), 16, 200)
    agenda.at(1.0, lambda: hint(station, []))
    agenda.run(1.0)

    assert station.engine.completion_tokens("a") == pytest.approx(1.0 / 0.02, abs=2)


def test_hints_reach_the_engine_while_it_is_idle() -> None:
    agenda = Agenda()
    station = Station(SimulatedEngine(SPEC), agenda, lambda event: None)
    station.submit_chain("a", list(range(20)), 64, 10)
    agenda.run(100.0)
    station.demote(list(range(20)))
    station.free(list(range(20)), keep_blocks=2)
    station.submit_chain("b", list(range(20)), 64, 10)
    agenda.run(100.05)

    assert station.engine.cached_tokens("b") == 2 * 16


def test_a_withdrawn_request_never_ends() -> None:
    agenda, events = Agenda(), list[Event]()
    station = Station(SimulatedEngine(SPEC), agenda, events.append)
    station.submit_chain("a", list(range(20)), 16, 200)
    agenda.at(1.0, lambda: station.abort("a"))
    agenda.run(100.0)

    assert not any(isinstance(event, Finished) for event in events)
    assert station.engine.running == 0


def test_steps_whose_length_does_not_grow_are_counted_too() -> None:
    agenda, ends = Agenda(), list[float]()
    free_reads = EngineSpec(kv_capacity_tokens=1_600, prefill_tokens_per_s=1e9, decode_step_s=0.5, decode_s_per_kv_token=0.0)
    station = Station(SimulatedEngine(free_reads), agenda, lambda event: ends.append(agenda.now_s))
    station.submit_chain("a", list(range(20)), 16, 11)
    agenda.at(1.75, lambda: station.submit_chain("b", list(range(50, 70)), 16, 1))
    agenda.run(100.0)

    assert ends == pytest.approx([0.5, 2.5, 2.5, 5.5])  # a's first token; b's first and last token; a's last


def test_nothing_is_planned_in_the_past() -> None:
    agenda = Agenda()
    agenda.at(5.0, lambda: None)
    agenda.run(10.0)

    with pytest.raises(ValueError, match="at least 10"):
        agenda.at(4.0, lambda: None)
