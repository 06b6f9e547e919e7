"""Images take disk: which are there, which are used, and which go first when disk is short."""

from __future__ import annotations

import math
from collections import OrderedDict

from thunderagent.core.resources.sandbox import Sandbox

QUARANTINE_AFTER = 3
"""Preparations of one image that fail one after the other: two may be bad luck of a registry, three are a rule."""
QUARANTINE_PROVEN_AFTER = 8
"""The same of an image of which sandboxes have been made: many programs share it, and where one preparation in ten fails, three
in a row do so every thousand times."""
QUARANTINE_S = 60.0
"""For the first time; doubles with each further one, up to ten minutes."""
LONGEST_QUARANTINE_S = 600.0
STUCK_S = 60.0
"""An image that cannot be removed is used by somebody else: for a while."""


class Images:
    """By name. Those in use are never given up."""

    def __init__(self) -> None:
        self.total_bytes = 0
        self.largest_bytes = 0
        """That was ever seen: what one of unknown size may take."""
        self.pulling: set[str] = set()
        """That are not known to be there, and are being prepared from."""
        self.removing: set[str] = set()
        self._sizes: dict[str, int] = {}
        self._users: dict[str, int] = {}
        self._unused: OrderedDict[str, None] = OrderedDict()
        """Least recently used first."""
        self._stuck: dict[str, float] = {}
        """That could not be removed, and until when they are left alone."""
        self._proven: set[str] = set()
        """Of which sandboxes have been made."""
        self._failures: dict[str, int] = {}
        self._quarantines: dict[str, tuple[float, float]] = {}
        """How long each is, and when it ends."""

    def seen(self, image: str, disk_bytes: int) -> None:
        """It is there, with this size; 0: it is not ours to remove."""
        self.pulling.discard(image)
        self.total_bytes += disk_bytes - self._sizes.get(image, 0)
        self._sizes[image] = disk_bytes
        self.largest_bytes = max(self.largest_bytes, disk_bytes)
        if not disk_bytes:
            self._unused.pop(image, None)
        elif image not in self._users:
            self._unused.setdefault(image)

    def made(self, image: str, disk_bytes: int | None) -> None:
        """A sandbox was made of it; None: its size is as it was known, else it counts for nothing."""
        if image and (disk_bytes is not None or image not in self._sizes):
            self.seen(image, disk_bytes or 0)

    def removed(self, image: str, removed: bool, now: float) -> None:
        """It is gone; or it could not be removed, and is left alone for a while."""
        self.removing.discard(image)
        if removed:
            self.total_bytes -= self._sizes.pop(image, 0)
            self._unused.pop(image, None)
            self._proven.discard(image)
        else:
            self._stuck[image] = now + STUCK_S

    def use(self, sandbox: Sandbox) -> None:
        """A sandbox of it is about to exist."""
        image = sandbox.spec.image
        if image:
            self._users[image] = self._users.get(image, 0) + 1
            self._unused.pop(image, None)
            if image not in self._sizes:
                self.pulling.add(image)

    def disuse(self, sandbox: Sandbox) -> None:
        """A sandbox of it exists no longer."""
        image = sandbox.spec.image
        if not image:
            return
        self._users[image] -= 1
        if not self._users[image]:
            del self._users[image]
            self.pulling.discard(image)
            if self._sizes.get(image):
                self._unused[image] = None

    def has_room(self, image: str, free_bytes: float) -> bool:
        """Whether a sandbox of it may be made with so much disk left: if it is there, or fits beside those on their way.

        One of unknown size counts as the largest that was seen; until there is one, they come one after the other, so that no
        more than one goes beyond the budget.
        """
        if image in self.removing:
            return False
        if free_bytes == math.inf:
            return True
        if not image or image in self._sizes or image in self.pulling:
            return free_bytes >= 0
        if self.pulling:
            return bool(self.largest_bytes) and self.largest_bytes * (len(self.pulling) + 1) <= free_bytes
        return free_bytes > 0

    def next_to_remove(self, now: float) -> str | None:
        """The least recently used one that can be; it is taken as being removed from now on."""
        for image in [image for image, until_s in self._stuck.items() if until_s <= now]:
            del self._stuck[image]
        for image in self._unused:
            if image not in self.removing and image not in self._stuck:
                self.removing.add(image)
                return image
        return None

    def next_try_s(self, now: float) -> float:
        """When one that could not be removed may be tried again."""
        return min((until_s for until_s in self._stuck.values() if until_s > now), default=math.inf)

    @property
    def removing_bytes(self) -> int:
        """That will be free."""
        return sum(self._sizes[image] for image in self.removing)

    # Quarantine

    def failed(self, image: str, now: float) -> None:
        """A preparation from it failed."""
        if not image:
            return
        self._failures[image] = self._failures.get(image, 0) + 1
        limit = QUARANTINE_PROVEN_AFTER if image in self._proven else QUARANTINE_AFTER
        if self._failures[image] >= limit:
            self._failures[image] = limit - 1  # the next failure after it is enough
            last_s, _ = self._quarantines.get(image, (QUARANTINE_S / 2, 0.0))
            length_s = min(2 * last_s, LONGEST_QUARANTINE_S)
            self._quarantines[image] = (length_s, now + length_s)

    def worked(self, image: str) -> None:
        """A preparation from it succeeded."""
        if image:
            self._proven.add(image)
        self._failures.pop(image, None)
        self._quarantines.pop(image, None)

    def quarantined_s(self, image: str, now: float) -> float:
        """For how long nothing is to be prepared from it; 0: it may."""
        return max(0.0, self._quarantines.get(image, (0.0, now))[1] - now)
