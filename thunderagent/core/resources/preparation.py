"""Which preparations begin, after every event: the most urgent first, as far as budgets allow."""

from __future__ import annotations

import math

from thunderagent.core.resources import events
from thunderagent.core.resources.budgets import NOTHING, excess
from thunderagent.core.resources.handlers import dequeue, evict_idle, give_up
from thunderagent.core.resources.pool import Pool
from thunderagent.core.resources.sandbox import Spec, Step, Want


def begin_all(pool: Pool) -> None:
    """In strict order until the first that has to wait: none behind it may take its room."""
    _prune(pool)
    while (want := pool.queue.first()) is not None and _may_begin(pool, want):
        dequeue(pool, want)
        _begin(pool, want)


def _may_begin(pool: Pool, want: Want) -> bool:
    """Whether there is room now; what has to go for it is told to."""
    if pool.budgets.preparing is not None and pool.preparing >= pool.budgets.preparing:
        return False
    spec = want.sandbox.spec
    while excess(spec, pool.budgets, pool.held, pool.leaving):
        if not evict_idle(pool) and not _take_from_the_least_urgent(pool, want):
            return False
        if pool.queue.first() is not want:  # it has what another gave up, and whoever is first now comes with the next event
            return False
    return not excess(spec, pool.budgets, pool.held, NOTHING) and _image_has_room(pool, spec)


def _take_from_the_least_urgent(pool: Pool, want: Want) -> bool:
    """Else programs that wait for KV cache could keep sandboxes from those that have it, for ever."""
    other = pool.ready.first()
    if other is None or other.urgency <= want.urgency:
        return False
    give_up(pool, other, want)
    return True


def _image_has_room(pool: Pool, spec: Spec) -> bool:
    images = pool.images
    free_bytes = _free_bytes(pool) - spec.disk_bytes
    if images.has_room(spec.image, free_bytes):
        return True
    while not images.has_room(spec.image, free_bytes + images.removing_bytes) and _remove_image(pool):
        pass
    return False


def _prune(pool: Pool) -> None:
    """Images that are more than the budget go as soon as nobody uses them."""
    while _free_bytes(pool) + pool.images.removing_bytes < 0 and _remove_image(pool):
        pass


def _remove_image(pool: Pool) -> bool:
    """The next one; the sandboxes that are idle may be of those that are in the way."""
    image = pool.images.next_to_remove(pool.now)
    if image is None:
        return evict_idle(pool)
    pool.effects.append(events.RemoveImage(image))
    return True


def _free_bytes(pool: Pool) -> float:
    limit = pool.budgets.disk_bytes
    return math.inf if limit is None else limit - pool.held.disk_bytes - pool.images.total_bytes


def _begin(pool: Pool, want: Want) -> None:
    sandbox = want.sandbox
    sandbox.take(Step.PREPARE)
    sandbox.attempts += 1
    sandbox.disk_bytes = sandbox.spec.disk_bytes
    if want.began_s is None:
        want.began_s = pool.now
    pool.preparing += 1
    pool.held.add(sandbox)
    pool.images.use(sandbox)
    pool.effects.append(events.Prepare(sandbox.id, sandbox.spec))
