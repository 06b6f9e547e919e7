"""aiperf's sessions: what the user says is known, the answers come from the engine."""

from __future__ import annotations

from tests.simulation.traces.support import kept, read, sizes


def test_each_turn_adds_its_text_to_the_answers_before() -> None:
    turns = [{"text": "x" * 400, "output_length": 50, "timestamp": 1000}, {"texts": ["y" * 39, "z" * 40], "delay": 1500}]
    trace = read([{"session_id": "a", "turns": turns}], characters_per_token=4.0)

    [script] = trace.scripts
    assert [turn.new_tokens for turn in script.turns] == [104, 24]
    assert script.turns[0].output_tokens == 50
    assert script.turns[0].tool_s == 1.5
    assert trace.has_arrivals


def test_the_length_of_an_answer_that_is_not_told_is_drawn_and_the_next_turn_goes_on_from_it() -> None:
    trace = read([{"session_id": "a", "turns": [{"text": "hello"}, {"text": "and now?"}]}])

    first, second = trace.scripts[0].turns
    assert (second.kept_tokens, second.new_tokens) == (None, 6)
    assert first.output_tokens >= 1
    assert any(note.startswith("the lengths of 2 answers are not in the trace and drawn") for note in trace.notes)
    assert any(note.startswith("1 tool time is not in the trace and drawn") for note in trace.notes)


def test_a_leading_system_prompt_is_a_part_of_the_first_turn() -> None:
    turns = [{"role": "system", "text": "x" * 40}, {"text": "y" * 40, "output_length": 5}]
    assert sizes(read([{"turns": turns}]).scripts[0]) == [(28, 5)]


def test_lines_of_the_same_session_go_on_from_each_other() -> None:
    line = {"session_id": "a", "turns": [{"text": "x" * 40, "output_length": 6}]}
    assert sizes(read([line, line]).scripts[0]) == [(14, 6), (34, 6)]


def test_a_turn_per_line_is_a_whole_prompt() -> None:
    lines = [{"session_id": "a", "text": text, "output_length": 6} for text in ("x" * 512, "x" * 256 + "y" * 512, "z" * 40)]
    [script] = read(lines, characters_per_token=4.0).scripts

    assert sizes(script) == [(132, 6), (196, 6), (14, 6)]
    assert kept(script) == [None, 64, 0]


def test_sessions_with_the_same_first_text_share_it() -> None:
    lines = [{"session_id": name, "turns": [{"text": "x" * 512, "output_length": 1}]} for name in ("a", "b")]
    first, second = read(lines).scripts

    assert first.group == second.group != ""
    assert first.shared_tokens == 128


def test_images_are_counted_as_images() -> None:
    assert read([{"text": "", "images": ["a.png", "b.png"], "output_length": 1}]).scripts[0].turns[0].new_tokens == 2_004


def test_texts_may_have_names() -> None:
    named = [{"name": "a", "contents": ["x" * 19, "y" * 20]}, {"name": "b", "contents": ["z" * 40]}]
    assert sizes(read([{"turns": [{"texts": named, "output_length": 1}]}]).scripts[0]) == [(24, 1)]


def test_a_session_without_turns_breaks_its_line() -> None:
    trace = read([{"turns": [{"text": "hello"}]}, {"turns": []}, {"turns": [5]}])
    assert "line 2: turns is empty; line 3: turns is no list of objects" in trace.notes[0]
