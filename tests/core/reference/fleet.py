"""What happens to backends, and what usage tells of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.core.reference.world import Backend, Program, Turn
from thunderagent.core import events as ev
from thunderagent.core.effects import Abort, RefuseCause
from thunderagent.core.residency import RECENT_SHARE
from thunderagent.core.usage import Usage

if TYPE_CHECKING:
    from tests.core.reference.mechanics import Reference

BLOCK_TOKENS = 32
"""Less than one block is no miss."""
LONG_PREFILL_TOKENS = 256
"""Shorter ones do not tell the speed."""


def handle(reference: Reference, event: ev.Event) -> None:
    """An event about one backend."""
    world = reference.world
    match event:
        case ev.BackendJoined(backend_id, capacity, host) if world.backend(backend_id) is None:
            birth = 1 + max((b.birth for b in world.backends), default=0)
            world.backends.append(Backend(backend_id, birth, capacity, host, reference.new_cache()))
        case ev.BackendJoined(backend_id, capacity, host) | ev.CapacityChanged(backend_id, capacity, host):
            if backend := world.backend(backend_id):
                backend.capacity, backend.host = capacity, host
                reference.grew(backend)
        case ev.HealthChanged(backend_id, healthy):
            if backend := world.backend(backend_id):
                backend.healthy = healthy
        case ev.BackendAvoided(program_id, backend_id):
            if (backend := world.backend(backend_id)) and (program := world.program(program_id)):
                avoided(reference, program, backend)
        case ev.CacheLost(backend_id):
            if backend := world.backend(backend_id):
                backend.cache = reference.new_cache()
        case ev.KvResident(program_id, backend_id, tokens):
            backend, program = world.backend(backend_id), world.program(program_id)
            if backend and program and program.cache == backend.cache and not program.running:
                program.told.append((backend.cache, tokens))
        case ev.BackendLeft(backend_id):
            if backend := world.backend(backend_id):
                left(reference, backend)
    reference.note_empties()
    if not world.usable():
        for program in world.in_line():
            reference.refuse_waiting(program, RefuseCause.NO_BACKEND, "no backend is up", 5.0)


def left(reference: Reference, backend: Backend) -> None:
    """Its running turns are aborted; nobody knows what their clients do now. Tool calls go on."""
    for program in reference.world.residents(backend):
        running, program.running = program.running, []
        reference.effects += [Abort(turn.id, backend.id) for turn in running]
        if running:
            program.since_s, program.idle_since_s = None, reference.world.now
        reference.leave_backend(program)
    reference.world.backends.remove(backend)


def avoided(reference: Reference, program: Program, backend: Backend) -> None:
    """It goes if it has somewhere to go and nothing of it runs."""
    elsewhere = [b for b in reference.world.usable() if b is not backend]
    if program.running or not elsewhere:
        return
    program.avoid_id = backend.id
    if program.backend is backend:
        reference.leave_backend(program)
        program.since_s = None


def note_usage(reference: Reference, program: Program, turn: Turn, usage: Usage) -> None:
    """What was written here, how fast, and whether KV that was held for a program was still cached when it came back."""
    backend = program.backend
    assert backend is not None, "a turn of it ran here"
    cached = turn.told if usage.cached_tokens is None else usage.cached_tokens
    if cached is None:
        backend.writes.append(max(0, usage.prompt_tokens - turn.promised) + usage.completion_tokens)
        return
    cached = min(cached, usage.prompt_tokens)
    computed = usage.prompt_tokens - cached
    backend.writes.append(computed + usage.completion_tokens)
    took_s = usage.prefill_s
    if took_s is None and turn.first_token_s is not None and turn.admitted_s is not None:
        took_s = turn.first_token_s - turn.admitted_s
    if took_s is None and turn.admitted_s is not None:
        backend.whole_turns.append((computed, usage.completion_tokens, reference.world.now - turn.admitted_s))
    elif computed >= LONG_PREFILL_TOKENS and took_s is not None and took_s > 0:
        backend.prefill_speeds.append(computed / took_s)
    expected = min(turn.promised, usage.prompt_tokens) - program.shared - BLOCK_TOKENS
    written_since = sum(backend.writes[program.writes_seen :])
    recent = backend.capacity is None or written_since < RECENT_SHARE * backend.capacity
    if expected > 0 and turn.cache == backend.cache and recent:
        found = max(0, cached - program.shared)
        pressed = bool(reference.world.in_line()) or reference.rules.free(backend) <= 0
        backend.returns.append((1.0 - min(1.0, found / expected), pressed))
