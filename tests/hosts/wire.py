"""A long thin wire: frames go from one tap to the other and back, late, and only so many bits a second. A process of its own.

python wire.py TAP TAP DELAY_S BITS_PER_S       says ``ready`` once both taps are there

In the place of the kernel's ``netem``, which many machines' kernels do not have.
"""

from __future__ import annotations

import fcntl
import os
import selectors
import struct
import sys
import time
from collections import deque

TUNSETIFF = 0x400454CA
IFF_TAP_NO_PI = 0x1002
LONGEST_FRAME_BYTES = 1 << 16
QUEUE_S = 1.0
"""A frame that would have to wait longer for its turn is dropped, as switches do."""


def tap(name: str) -> int:
    """A file whose reads and writes are the frames of a new network device."""
    file = os.open("/dev/net/tun", os.O_RDWR | os.O_NONBLOCK)
    fcntl.ioctl(file, TUNSETIFF, struct.pack("16sH", name.encode(), IFF_TAP_NO_PI))
    return file


class Direction:
    """From one end to the other."""

    def __init__(self, out: int, delay_s: float, bits_per_s: float) -> None:
        self._out, self._delay_s, self._bits_per_s = out, delay_s, bits_per_s
        self._on_its_way: deque[tuple[float, bytes]] = deque()
        self._free_s = 0.0

    def take(self, frame: bytes, now: float) -> None:
        """A frame begins its way, unless too many do."""
        begins = max(now, self._free_s)
        if begins - now < QUEUE_S:
            self._free_s = begins + len(frame) * 8 / self._bits_per_s
            self._on_its_way.append((self._free_s + self._delay_s, frame))

    def deliver(self, now: float) -> float:
        """What has arrived; seconds until the next one does."""
        while self._on_its_way and self._on_its_way[0][0] <= now:
            os.write(self._out, self._on_its_way.popleft()[1])
        return self._on_its_way[0][0] - now if self._on_its_way else 60.0


def main(near: str, far: str, delay_s: str, bits_per_s: str) -> None:
    """Until it is killed."""
    ends = tap(near), tap(far)
    ways = {end: Direction(other, float(delay_s), float(bits_per_s)) for end, other in (ends, ends[::-1])}
    print("ready", flush=True)
    with selectors.DefaultSelector() as selector:
        for end in ends:
            selector.register(end, selectors.EVENT_READ)
        while True:
            wait_s = min(way.deliver(time.monotonic()) for way in ways.values())
            for key, _ in selector.select(wait_s):
                end = key.fd
                try:
                    ways[end].take(os.read(end, LONGEST_FRAME_BYTES), time.monotonic())
                except OSError:  # the device is not up yet
                    time.sleep(0.01)


if __name__ == "__main__":
    main(*sys.argv[1:])
