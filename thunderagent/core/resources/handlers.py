"""What each event does to the pool. Preparations are begun afterwards (``preparation``)."""

from __future__ import annotations

import math

from thunderagent.core.index import OrderedIndex
from thunderagent.core.resources import events
from thunderagent.core.resources.budgets import NOTHING, excess
from thunderagent.core.resources.pool import Pool, drop, put
from thunderagent.core.resources.sandbox import Sandbox, Spec, Status, Step, Want

MAX_ATTEMPTS = 4
"""Preparations of one sandbox; with their pauses, a registry that stumbles has a quarter of a minute."""
FIRST_PAUSE_S = 1.0
"""Before the second attempt; doubles with each further one."""
LONGEST_PAUSE_S = 60.0
"""Between two attempts to remove a sandbox: they go on for ever, as nothing is to be left."""


def wanted(pool: Pool, event: events.Wanted) -> None:
    """Take one that is there, or queue its preparation."""
    spec = event.spec
    sandbox = Sandbox(event.sandbox_id, pool.birth(), spec)
    want = Want(event.sandbox_id, sandbox.birth, event.program_id, event.rank, sandbox, pool.now)
    sandbox.want = want
    if pool.closing:
        _refuse(pool, want, "the owner of the sandboxes is shutting down")
        return
    if what := excess(spec, pool.budgets, NOTHING, NOTHING):
        _refuse(pool, want, f"one sandbox alone is more than the budget of {what}")
        return
    left_s = pool.images.quarantined_s(spec.image, pool.now)
    if left_s:
        _refuse(pool, want, f"preparations from {spec.image} keep failing", left_s)
        return
    pool.wants[want.id] = pool.programs.setdefault(want.program_id, {})[want.id] = want
    if not _adopt(pool, want):
        pool.sandboxes[sandbox.id] = sandbox
        enqueue(pool, want)


def expected(pool: Pool, event: events.Expected) -> None:
    """What is not prepared yet is prepared sooner or later."""
    for want in pool.programs.get(event.program_id, {}).values():
        want.rank = event.rank
        reorder(pool, want)


def needed(pool: Pool, event: events.Needed) -> None:
    """Hand it out, now or as soon as it is there."""
    want = pool.wants.get(event.sandbox_id)
    if want is None or want.needed_s is not None:
        return
    want.needed_s = pool.now
    if want.sandbox.status is Status.READY:
        _hand_out(pool, want)
    else:
        reorder(pool, want)


def attached(pool: Pool, event: events.Attached) -> None:
    """It is released with its program. One that is known already stays as it is."""
    if event.sandbox_id not in pool.sandboxes:
        recovered(pool, events.Recovered(event.sandbox_id, event.sandbox_id, event.program_id, Spec(""), foreign=True))
        pool.note(event.program_id)


def recovered(pool: Pool, event: events.Recovered) -> None:
    """It is there, and counted, whether budgets would let it be made today or not. One that is known already stays as it is."""
    if event.sandbox_id in pool.sandboxes:
        return
    spec, now = event.spec, pool.now
    status = Status.IN_USE if event.in_use else Status.READY
    sandbox = Sandbox(event.sandbox_id, pool.birth(), spec, status, foreign=event.foreign, disk_bytes=spec.disk_bytes)
    needed_s = now if event.in_use else None
    want = Want(event.wanted_id, sandbox.birth, event.program_id, event.rank, sandbox, now, needed_s=needed_s, ready_s=now)
    sandbox.want = want
    pool.sandboxes[sandbox.id] = sandbox
    pool.wants[want.id] = pool.programs.setdefault(want.program_id, {})[want.id] = want
    if not event.foreign:
        pool.held.add(sandbox)
        pool.images.use(sandbox)
        pool.images.made(spec.image, None)
    if not event.in_use:
        pool.ready.put(want, tuple(-part for part in want.urgency))


def prepared(pool: Pool, event: events.Prepared) -> None:
    """It is its program's or, if that is over, for whoever wants one like it."""
    sandbox = pool.sandboxes[event.sandbox_id]
    sandbox.take(Step.PREPARED)
    pool.preparing -= 1
    pool.images.worked(sandbox.spec.image)
    pool.images.made(sandbox.spec.image, event.image_bytes)
    if event.disk_bytes is not None:
        pool.held.disk_bytes += event.disk_bytes - sandbox.disk_bytes
        sandbox.disk_bytes = event.disk_bytes
    if sandbox.want is None:
        drop(pool.orphans, sandbox)
        keep(pool, sandbox)
    else:
        _made_ready(pool, sandbox.want)


def preparation_failed(pool: Pool, event: events.PreparationFailed) -> None:
    """Try again later, or tell the program."""
    sandbox = pool.sandboxes[event.sandbox_id]
    sandbox.take(Step.FAIL)
    pool.preparing -= 1
    _no_longer_there(pool, sandbox)
    pool.images.failed(sandbox.spec.image, pool.now)
    want = sandbox.want
    if want is None:
        drop(pool.orphans, sandbox)
        _end(pool, sandbox)
        return
    left_s = pool.images.quarantined_s(sandbox.spec.image, pool.now)
    if event.permanent or left_s or sandbox.attempts >= MAX_ATTEMPTS:
        _end(pool, sandbox)
        _forget(pool, want)
        _refuse(pool, want, event.reason, None if event.permanent else left_s or FIRST_PAUSE_S * 2**MAX_ATTEMPTS)
        return
    sandbox.take(Step.RETRY)
    pool.later.put(want, pool.now + FIRST_PAUSE_S * 2 ** (sandbox.attempts - 1))
    _index(pool, want)


def program_over(pool: Pool, event: events.ProgramOver) -> None:
    """All that was kept for it goes on its way."""
    _part(pool, list(pool.programs.get(event.program_id, {}).values()))


def unwanted(pool: Pool, event: events.Unwanted) -> None:
    """The program goes on without this one."""
    want = pool.wants.get(event.wanted_id)
    if want is not None:
        _part(pool, [want])


def disk_seen(pool: Pool, event: events.DiskSeen) -> None:
    """What has been counted so far is corrected."""
    sandbox = pool.sandboxes.get(event.sandbox_id)
    if sandbox is None or not sandbox.exists or sandbox.foreign:
        return
    grown_bytes = event.disk_bytes - sandbox.disk_bytes
    sandbox.disk_bytes = event.disk_bytes
    pool.held.disk_bytes += grown_bytes
    if sandbox.status is Status.RELEASING:
        pool.leaving.disk_bytes += grown_bytes


def released(pool: Pool, event: events.Released) -> None:
    """Nothing of it is left."""
    sandbox = pool.sandboxes.get(event.sandbox_id)
    if sandbox is None:
        return
    if not sandbox.foreign:
        pool.leaving.add(sandbox, -1)
    pool.release_later.discard(sandbox)
    _gone(pool, sandbox)


def release_failed(pool: Pool, event: events.ReleaseFailed) -> None:
    """It is removed again, after a pause."""
    sandbox = pool.sandboxes[event.sandbox_id]
    pause_s = min(LONGEST_PAUSE_S, FIRST_PAUSE_S * 2 ** (sandbox.releases - 1))
    pool.release_later.put(sandbox, pool.now + pause_s)


def vanished(pool: Pool, event: events.Vanished) -> None:
    """It is not there any more. Its program learns it from its next call."""
    sandbox = pool.sandboxes.get(event.sandbox_id)
    if sandbox is None or sandbox.status in (Status.WANTED, Status.PREPARING, Status.RELEASING):
        return  # whoever prepares or removes it finds out
    if sandbox.status is Status.IDLE:
        _not_idle(pool, sandbox)
    if sandbox.want is not None:
        pool.ready.discard(sandbox.want)
        _forget(pool, sandbox.want)
    _gone(pool, sandbox)


def shut_down(pool: Pool, event: events.ShutDown) -> None:
    """Everything goes; what is being prepared goes when it is there."""
    pool.closing = True
    for program_id in list(pool.programs):
        program_over(pool, events.ProgramOver(program_id))
    for sandbox in list(pool.idle):
        _not_idle(pool, sandbox)
        release(pool, sandbox)


def image_seen(pool: Pool, event: events.ImageSeen) -> None:
    """It takes disk."""
    pool.images.seen(event.image, event.disk_bytes)


def image_removed(pool: Pool, event: events.ImageRemoved) -> None:
    """It takes none any more, or is tried again later."""
    pool.images.removed(event.image, event.removed, pool.now)


def timer_fired(pool: Pool, event: events.TimerFired) -> None:
    """Do what is due."""
    pool.alarm_s = math.inf
    while (want := pool.later.first_due(pool.now)) is not None:
        pool.later.discard(want)
        enqueue(pool, want)
    while (sandbox := pool.release_later.first_due(pool.now)) is not None:
        pool.release_later.discard(sandbox)
        release_again(pool, sandbox)
    ttl_s = pool.budgets.idle_ttl_s
    while ttl_s is not None and pool.idle.first_key(math.inf) + ttl_s <= pool.now:
        evict_idle(pool)


# What handlers, and preparation, share


def enqueue(pool: Pool, want: Want) -> None:
    """Its sandbox can be prepared."""
    pool.queue.put(want, want.urgency)
    _index(pool, want)


def dequeue(pool: Pool, want: Want) -> None:
    """Its sandbox is not to be prepared, or is being prepared."""
    pool.queue.discard(want)
    pool.later.discard(want)
    fingerprint = want.sandbox.spec.fingerprint
    of_kind = pool.unready[fingerprint]
    of_kind.discard(want)
    if not of_kind:
        del pool.unready[fingerprint]


def reorder(pool: Pool, want: Want) -> None:
    """Its urgency has changed."""
    if want in pool.queue:
        pool.queue.put(want, want.urgency)
    if want.sandbox.status is Status.WANTED:
        _index(pool, want)
    elif want in pool.ready:
        pool.ready.put(want, tuple(-part for part in want.urgency))


def keep(pool: Pool, sandbox: Sandbox) -> None:
    """For whoever wants one like it; the most urgent of those that do already has it at once."""
    waiting = pool.unready.get(sandbox.spec.fingerprint)
    sandbox.take(Step.KEEP)
    budgets = pool.budgets
    full = budgets.idle is not None and len(pool.idle) >= budgets.idle
    if pool.closing or (waiting is None and full):
        release(pool, sandbox)
        return
    pool.idle.put(sandbox, pool.now)
    put(pool.idle_by_kind, sandbox)
    if waiting is not None:
        want = waiting.first()
        assert want is not None, "there are no empty indexes"
        own = want.sandbox
        dequeue(pool, want)
        _end(pool, own)
        _assign(pool, sandbox, want)


def evict_idle(pool: Pool) -> bool:
    """Remove the one that has been idle for longest; False: there is none."""
    sandbox = pool.idle.first()
    if sandbox is None:
        return False
    _not_idle(pool, sandbox)
    release(pool, sandbox)
    return True


def give_up(pool: Pool, want: Want, to: Want) -> None:
    """Its sandbox, which it does not need yet, goes to another if that wants one like it, or goes; it is prepared again later."""
    sandbox = want.sandbox
    pool.ready.discard(want)
    pool.note(want.program_id)
    sandbox.want = None
    number = pool.birth()
    want.sandbox = Sandbox(f"{want.id}.{number}", number, sandbox.spec, want=want)
    want.ready_s, want.reused = None, False
    pool.sandboxes[want.sandbox.id] = want.sandbox
    if sandbox.spec.fingerprint == to.sandbox.spec.fingerprint:
        keep(pool, sandbox)  # `to` is the most urgent of all
    else:
        release(pool, sandbox)
    enqueue(pool, want)


def release(pool: Pool, sandbox: Sandbox) -> None:
    """Have it removed."""
    sandbox.take(Step.RELEASE)
    if not sandbox.foreign:
        pool.leaving.add(sandbox)
    release_again(pool, sandbox)


def release_again(pool: Pool, sandbox: Sandbox) -> None:
    """The first or a further attempt."""
    sandbox.releases += 1
    pool.effects.append(events.Release(sandbox.id))


def _part(pool: Pool, wants: list[Want]) -> None:
    """What was not used is for others; what was used, if it can be had again; the rest goes."""
    for want in wants:  # first: nothing may be handed to it any more
        _forget(pool, want)
        want.sandbox.want = None
        pool.ready.discard(want)
        if want.sandbox.status is Status.WANTED:
            dequeue(pool, want)
    for sandbox in [want.sandbox for want in wants]:
        match sandbox.status:
            case Status.WANTED:
                _end(pool, sandbox)
            case Status.PREPARING:
                put(pool.orphans, sandbox)
            case Status.READY:
                keep(pool, sandbox)
            case _ if sandbox.spec.reusable:
                keep(pool, sandbox)
            case _:
                release(pool, sandbox)


def _adopt(pool: Pool, want: Want) -> bool:
    """Take one that is idle, or that is being prepared for nobody."""
    fingerprint = want.sandbox.spec.fingerprint
    for sandbox in reversed(pool.idle_by_kind.get(fingerprint, {}).values()):  # the last used: its files are still in memory
        _assign(pool, sandbox, want)
        return True
    for sandbox in pool.orphans.get(fingerprint, {}).values():
        drop(pool.orphans, sandbox)
        sandbox.want, want.sandbox = want, sandbox
        return True
    return False


def _assign(pool: Pool, sandbox: Sandbox, want: Want) -> None:
    _not_idle(pool, sandbox)
    sandbox.take(Step.ASSIGN)
    sandbox.want, want.sandbox, want.reused = want, sandbox, True
    _made_ready(pool, want)


def _made_ready(pool: Pool, want: Want) -> None:
    want.ready_s = pool.now
    pool.note(want.program_id)
    if want.needed_s is not None:
        _hand_out(pool, want)
    else:
        pool.ready.put(want, tuple(-part for part in want.urgency))


def _hand_out(pool: Pool, want: Want) -> None:
    pool.ready.discard(want)
    pool.note(want.program_id)
    want.sandbox.take(Step.HAND_OUT)
    pool.effects.append(events.HandOut(want.id, want.sandbox.id, want.program_id))


def _not_idle(pool: Pool, sandbox: Sandbox) -> None:
    pool.idle.discard(sandbox)
    drop(pool.idle_by_kind, sandbox)


def _index(pool: Pool, want: Want) -> None:
    pool.unready.setdefault(want.sandbox.spec.fingerprint, OrderedIndex()).put(want, want.urgency)


def _forget(pool: Pool, want: Want) -> None:
    pool.note(want.program_id)
    del pool.wants[want.id]
    of_program = pool.programs[want.program_id]
    del of_program[want.id]
    if not of_program:
        del pool.programs[want.program_id]


def _refuse(pool: Pool, want: Want, reason: str, retry_after_s: float | None = None) -> None:
    pool.effects.append(events.RefuseSandbox(want.id, want.program_id, reason, retry_after_s))


def _gone(pool: Pool, sandbox: Sandbox) -> None:
    _no_longer_there(pool, sandbox)
    _end(pool, sandbox)


def _no_longer_there(pool: Pool, sandbox: Sandbox) -> None:
    if not sandbox.foreign:
        pool.held.add(sandbox, -1)
    pool.images.disuse(sandbox)


def _end(pool: Pool, sandbox: Sandbox) -> None:
    sandbox.take(Step.END)
    del pool.sandboxes[sandbox.id]
