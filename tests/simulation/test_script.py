from __future__ import annotations

from dataclasses import replace

from thunderagent.simulation.catalogue import SWE
from thunderagent.simulation.script import Script, ScriptedTurn


def test_a_context_is_all_prompts_and_answers_so_far() -> None:
    script = Script("p", (ScriptedTurn(100, 10, "bash", 1.0), ScriptedTurn(20, 3, "", 0.0)))

    assert script.contexts() == [110, 133]


def test_a_program_that_is_joined_midway_has_the_same_contexts_from_there_on() -> None:
    script = SWE.script(1, 0)

    assert script.from_turn(0) is script
    assert script.from_turn(4).contexts() == script.contexts()[4:]
    assert script.from_turn(4).turns[1:] == script.turns[5:]


def test_a_context_that_was_cut_goes_on_from_what_is_kept() -> None:
    cut = ScriptedTurn(30, 5, "bash", 1.0, kept_tokens=40)
    script = Script("p", (ScriptedTurn(100, 10, "bash", 1.0), cut, ScriptedTurn(7, 3, "", 0.0)))

    assert script.contexts() == [110, 75, 85]
    assert script.from_turn(1).turns[0] == replace(cut, new_tokens=70, kept_tokens=None)
    assert script.from_turn(1).contexts() == script.contexts()[1:]
    assert script.from_turn(2).contexts() == script.contexts()[2:]


def test_parallel_calls_leave_nothing_in_the_context() -> None:
    turns = (ScriptedTurn(100, 10, "sub", 1.0, beside=3), ScriptedTurn(20, 3, "", 0.0))

    assert Script("p", turns).contexts() == [110, 133]
