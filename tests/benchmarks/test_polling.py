"""The benchmark of polling, tiny: every engine is really read. No times are looked at."""

from __future__ import annotations

import uvloop

from benchmarks.polling import engines as served
from benchmarks.polling.__main__ import PAGE, engines, polling
from thunderagent.adapters.engines.prometheus import samples
from thunderagent.adapters.engines.vllm import CACHE, LOAD, START


def test_engines_are_read_whether_they_give_the_wanted_series_or_whole_pages() -> None:
    for whole in (False, True):
        with engines(3, whole=whole) as urls:
            percent, looks = uvloop.run(polling(urls, 1.5))
        assert percent > 0
        assert looks >= 3


def test_the_wanted_series_alone_tell_the_same() -> None:
    page, names = PAGE.read_bytes(), (START, CACHE, *LOAD.values())
    filtered = served.filtered(page)
    assert len(filtered) < len(page) / 15
    assert samples(filtered, names) == samples(page, names)
