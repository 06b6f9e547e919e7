"""Traces on the engine model."""

from __future__ import annotations

import math

from benchmarks.fidelity.outcome import Outcome
from benchmarks.fidelity.trace import Prompt, Trace
from thunderagent.simulation import EngineSpec, Event, Finished, RequestRecord, SimulatedEngine
from thunderagent.simulation.agenda import Agenda
from thunderagent.simulation.prefix_hash import extend_chain, root_hash
from thunderagent.simulation.station import Station


def one_by_one(spec: EngineSpec, trace: Trace) -> Outcome:
    """Each request after the one before is over."""
    engine = SimulatedEngine(spec)
    records = []
    now_s = 0.0
    for index, prompt in enumerate(trace.prompts()):
        engine.submit(str(index), prompt.tokens, prompt.output, "", now_s)
        now_s, finished = _run(engine, now_s)
        records += finished
    return _outcome(engine, records, now_s)


def all_at_once(spec: EngineSpec, trace: Trace) -> Outcome:
    """All requests are there before the first step."""
    engine = SimulatedEngine(spec)
    for index, prompt in enumerate(trace.prompts()):
        engine.submit(str(index), prompt.tokens, prompt.output, "", 0.0)
    wall_s, records = _run(engine, 0.0)
    return _outcome(engine, sorted(records, key=lambda record: int(record.request_id)), wall_s)


def side_by_side(spec: EngineSpec, trace: Trace, overhead_s: float = 0.0) -> Outcome:
    """Each session in closed loop, in simulated time.

    Args:
        spec: of the engine.
        trace: its sessions begin together.
        overhead_s: what each turn takes outside of the engine, besides its thinking.
    """
    return _SideBySide(spec, trace, overhead_s).run()


class _SideBySide:
    def __init__(self, spec: EngineSpec, trace: Trace, overhead_s: float) -> None:
        self._agenda = Agenda()
        self._engine = SimulatedEngine(spec)
        self._station = Station(self._engine, self._agenda, self._on_event)
        self._sessions = trace.by_session()
        self._overhead_s = overhead_s
        self._ids = {f"{s}/{t}": (s, t) for s, prompts in enumerate(self._sessions) for t in range(len(prompts))}
        self._records: dict[str, RequestRecord] = {}
        self._last_s = 0.0

    def run(self) -> Outcome:
        for session in range(len(self._sessions)):
            self._ask(session, 0)
        self._agenda.run(math.inf)
        return _outcome(self._engine, [self._records[request_id] for request_id in self._ids], self._last_s)

    def _ask(self, session: int, turn: int) -> None:
        prompt = self._sessions[session][turn]
        chain = _chain(prompt, self._engine.spec.block_size_tokens)
        self._station.submit_chain(f"{session}/{turn}", chain, len(prompt.tokens), len(prompt.output))

    def _on_event(self, event: Event) -> None:
        if not isinstance(event, Finished):
            return
        self._last_s = self._agenda.now_s
        self._records[event.request_id] = event.record
        session, turn = self._ids[event.request_id]
        if turn + 1 < len(self._sessions[session]):
            thought_s = self._agenda.now_s + self._overhead_s + self._sessions[session][turn].turn.think_s
            self._agenda.at(thought_s, lambda: self._ask(session, turn + 1))


def _chain(prompt: Prompt, block_size: int) -> list[int]:
    tokens = (*prompt.tokens, *prompt.output)
    chain: list[int] = []
    extend_chain(chain, root_hash(""), tokens, len(tokens) // block_size, block_size)
    return chain


def _run(engine: SimulatedEngine, now_s: float) -> tuple[float, list[RequestRecord]]:
    """Until it is empty."""
    records = []
    while engine.running or engine.waiting:
        result = engine.step(now_s)
        now_s += result.duration_s
        records += [event.record for event in result.events if isinstance(event, Finished)]
    return now_s, records


def _outcome(engine: SimulatedEngine, records: list[RequestRecord], wall_s: float) -> Outcome:
    return Outcome(
        prompt_tokens=tuple(record.prompt_tokens for record in records),
        cached_tokens=tuple(record.cached_tokens for record in records),
        preemptions=engine.counters.preemptions,
        wall_s=wall_s,
        output_tokens=sum(record.completion_tokens for record in records),
    )
