"""The published tick: pause what is too much, force who waited too long, then resume what fits all free space together."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.core.reference.world import Program

if TYPE_CHECKING:
    from tests.core.reference.mechanics import Reference


def tick(reference: Reference) -> None:
    """One tick."""
    for backend in reference.world.backends:
        reference.shed(backend)
    if reference.syncing_since_s is not None:
        return
    while (program := reference.overdue()) and (place := reference.rules.place_by_force(program)):
        reference.tally["forced"] += 1
        reference.admit(program, place)
    free = resume_waiting(reference)
    if not reference.world.in_line():
        resume_between_turns(reference, free)


def resume_waiting(reference: Reference) -> float:
    """Selected in the line's order while they fit the summed free space, placed largest first; returns what is left."""
    rules = reference.rules
    free = sum(max(0.0, rules.free(backend)) for backend in reference.world.usable())
    selected: list[Program] = []
    for program in rules.line():
        if program.context > free:
            break
        free -= program.context
        selected.append(program)
    for program in sorted(selected, key=lambda p: -p.context):
        freest = next(iter(rules.by_load()), None)
        if freest is not None and rules.fits(program, freest):
            reference.admit(program, freest)
    return free


def resume_between_turns(reference: Reference, free: float) -> None:
    """Programs that were paused in a tool call, smallest first, while they fit where most is free."""
    rules, world = reference.rules, reference.world
    for program in sorted((p for p in world.programs if p.paused_in_call), key=lambda p: (p.context, p.birth)):
        freest = next(iter(rules.by_load()), None)
        if freest is None or program.context > free or not rules.fits(program, freest):
            return
        free -= program.context
        reference.settle_on(program, freest)
        program.paused_in_call, program.cache = False, None
        program.since_s = world.now
