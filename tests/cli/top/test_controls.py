"""What keys do."""

from __future__ import annotations

from thunderagent.adapters.gateway.manage.snapshot import SORTS
from thunderagent.cli.top.controls import PAGE, Controls, keys


def pressed(typed: str) -> Controls:
    controls = Controls()
    for key in keys(typed):
        controls.press(key)
    return controls


def test_terminals_send_keys_as_sequences() -> None:
    assert list(keys("a\x1b[A\x1bOB\x1b[5~\x1b[6~\r\x7f")) == ["a", "up", "down", "page up", "page down", "enter", "backspace"]
    assert list(keys("\x1b[15~x\x1b[1;5C")) == ["x"]  # F5 and Ctrl-Right mean nothing
    assert list(keys("\x1b")) == ["escape"]
    assert list(keys("é漢")) == ["é", "漢"]


def test_s_goes_through_all_orders() -> None:
    assert [pressed("s" * times).sort for times in range(len(SORTS) + 1)] == [*SORTS, SORTS[0]]


def test_p_pauses_and_goes_on() -> None:
    assert pressed("p").paused
    assert not pressed("pp").paused


def test_a_filter_is_typed_kept_and_ended() -> None:
    assert (pressed("/tool q").wanted, pressed("/tool q").typing, pressed("/tool q").over) == ("tool q", True, False)
    assert (pressed("/tooo\x7fl\r").wanted, pressed("/tool\r").typing) == ("tool", False)
    assert (pressed("/tool\x1b").wanted, pressed("/tool\x1b").typing) == ("", False)
    assert pressed("/tool\r\x1b").wanted == ""
    assert pressed("/\x1b[A\x7f").wanted == ""


def test_the_list_moves_and_stops_at_its_begin() -> None:
    assert pressed("\x1b[Bj").first == 2
    assert pressed("jj\x1b[Akkk").first == 0
    assert pressed("\x1b[6~").first == PAGE
    assert pressed("\x1b[6~j\x1b[5~").first == 1
    assert pressed("jjj\x1b[H").first == pressed("jjjs").first == pressed("jj/a").first == 0


def test_help_ends_with_any_key_and_q_quits_everywhere() -> None:
    assert pressed("?").help
    assert pressed("h").help
    assert not pressed("?s").help
    assert pressed("?s").sort == SORTS[0]
    assert all(pressed(typed).over for typed in ("q", "?q", "\x04"))
