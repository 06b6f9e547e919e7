from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from thunderagent.simulation import (
    EngineSpec,
    Event,
    Finished,
    FirstToken,
    Preempted,
    RequestRecord,
    SimulatedEngine,
)


def make_engine(blocks: int = 64, *, max_batched_tokens: int = 64, max_running: int = 16) -> SimulatedEngine:
    """Blocks of 4 tokens; a step costs 1 s, a prefill token 10 ms, a token of context 1 ms."""
    return SimulatedEngine(
        EngineSpec(
            kv_capacity_tokens=4 * blocks,
            block_size_tokens=4,
            prefill_tokens_per_s=100.0,
            decode_step_s=1.0,
            decode_s_per_kv_token=0.001,
            max_batched_tokens=max_batched_tokens,
            max_running=max_running,
        )
    )


def prompt_of(family: int, tokens: int) -> list[int]:
    return [family * 1000 + index for index in range(tokens)]


class Run:
    """Steps an engine until it is empty."""

    def __init__(self, engine: SimulatedEngine) -> None:
        self.engine = engine
        self.now_s = 0.0
        self.events: list[Event] = []

    def step(self) -> tuple[Event, ...]:
        result = self.engine.step(self.now_s)
        self.now_s += result.duration_s
        self.events += result.events
        return result.events

    def to_the_end(self) -> dict[str, RequestRecord]:
        while self.engine.running or self.engine.waiting:
            self.step()
        return {event.request_id: event.record for event in self.events if isinstance(event, Finished)}

    def ask(self, request_id: str, prompt: list[int], output: list[int] | None = None, salt: str = "") -> RequestRecord:
        self.engine.submit(request_id, prompt, output or [1, 2, 3], salt, self.now_s)
        return self.to_the_end()[request_id]


def test_an_empty_engine_takes_no_time() -> None:
    result = make_engine().step(5.0)

    assert result.events == ()
    assert result.duration_s == 0.0


def test_a_lone_request_takes_the_time_its_roofline_says() -> None:
    engine = make_engine()
    engine.submit("a", prompt_of(1, 10), [1, 2, 3], "", 0.0)

    prefill = engine.step(2.0)
    assert prefill.events == (FirstToken("a"),)
    assert prefill.duration_s == pytest.approx(1.0 + 10 / 100)
    decode = engine.step(3.1)
    assert decode.duration_s == pytest.approx(1.0 + 11 * 0.001)
    (finished,) = engine.step(4.111).events

    assert isinstance(finished, Finished)
    record = finished.record
    assert record.queued_s == 2.0
    assert record.prefill_s == pytest.approx(1.1)
    assert record.decode_s == pytest.approx(1.011 + 1.012)
    assert (record.prompt_tokens, record.cached_tokens, record.completion_tokens) == (10, 0, 3)
    assert record.preemptions == 0


def test_requests_that_decode_together_share_the_step() -> None:
    engine = make_engine()
    for name in ("a", "b"):
        engine.submit(name, prompt_of(ord(name), 8), [1, 2], "", 0.0)
    engine.step(0.0)

    assert engine.step(0.0).duration_s == pytest.approx(1.0 + 2 * 9 * 0.001)


def test_a_prompt_asked_again_is_cached_but_for_the_block_with_its_last_token() -> None:
    run = Run(make_engine())

    assert run.ask("first", prompt_of(1, 12)).cached_tokens == 0
    assert run.ask("again", prompt_of(1, 12)).cached_tokens == 8
    assert run.ask("longer", prompt_of(1, 13)).cached_tokens == 12


def test_generated_tokens_are_cached_for_the_next_turn() -> None:
    run = Run(make_engine())
    run.ask("turn-1", prompt_of(1, 6), output=[1, 2, 3, 4, 5, 6, 7])
    second_turn = [*prompt_of(1, 6), 1, 2, 3, 4, 5, 6, 7, 90, 91, 92, 93]

    # 13 tokens were made, the KV of the last one was never computed: 12 are in full blocks.
    assert run.ask("turn-2", second_turn).cached_tokens == 12


def test_another_salt_shares_nothing() -> None:
    run = Run(make_engine())
    run.ask("old-weights", prompt_of(1, 12), salt="v1")

    assert run.ask("new-weights", prompt_of(1, 12), salt="v2").cached_tokens == 0
    assert run.ask("new-again", prompt_of(1, 12), salt="v2").cached_tokens == 8


def test_equal_prompts_admitted_in_the_same_step_share_their_blocks() -> None:
    engine = make_engine()
    run = Run(engine)
    for index in range(4):
        engine.submit(f"sample-{index}", prompt_of(1, 12), [index], "", 0.0)
    run.step()

    records = run.to_the_end()
    assert [records[f"sample-{index}"].cached_tokens for index in range(4)] == [0, 8, 8, 8]


def test_the_counters_add_up_exactly() -> None:
    engine = make_engine()
    run = Run(engine)
    run.ask("a", prompt_of(1, 12))
    run.ask("b", prompt_of(1, 12))

    counters = engine.counters
    assert counters.prefix_cache_queries_tokens == counters.prompt_tokens == 24
    assert counters.prefix_cache_hits_tokens == 8
    assert counters.generation_tokens == 6
    assert counters.preemptions == 0
    assert counters.reprefilled_tokens == 0


def test_a_long_prompt_is_prefilled_in_chunks_of_the_token_budget() -> None:
    run = Run(make_engine(max_batched_tokens=10))
    run.engine.submit("long", prompt_of(1, 25), [1], "", 0.0)

    assert run.step() == ()
    assert run.step() == ()
    assert [type(event) for event in run.step()] == [FirstToken, Finished]
    assert run.now_s == pytest.approx(3 * 1.0 + 25 / 100)


def test_a_long_prompt_takes_blocks_chunk_by_chunk() -> None:
    run = Run(make_engine(max_batched_tokens=8))
    run.engine.submit("long", prompt_of(1, 22), [1, 2], "", 0.0)

    used = []
    for _ in range(3):
        run.step()
        used.append(run.engine.used_blocks)
    assert used == [2, 4, 6]


def test_a_long_prefill_gives_way_if_decoding_has_taken_the_block_of_its_last_chunk() -> None:
    engine = make_engine(blocks=10, max_batched_tokens=5)
    run = Run(engine)
    engine.submit("decoding", prompt_of(1, 8), [1] * 20, "", 0.0)
    run.step()
    run.step()
    engine.submit("long", prompt_of(2, 26), [1], "", 0.0)
    run.step()
    assert (engine.running, engine.used_blocks) == (2, 3 + 1), "its 7 blocks would have fitted"

    records = run.to_the_end()
    assert (records["long"].preemptions, records["decoding"].preemptions) == (1, 0)


def test_decoding_requests_come_before_prefill_in_the_budget() -> None:
    engine = make_engine(max_batched_tokens=10)
    run = Run(engine)
    engine.submit("decoding", prompt_of(1, 4), [1] * 6, "", 0.0)
    run.step()
    engine.submit("long", prompt_of(2, 18), [1], "", 0.0)
    run.step()
    assert engine.completion_tokens("decoding") == 2

    # 9 of the 18 tokens fit beside the decoding one.
    assert FirstToken("long") not in run.events
    run.step()
    assert FirstToken("long") in run.events


def test_a_request_waits_until_its_whole_prompt_fits() -> None:
    engine = make_engine(blocks=6)
    run = Run(engine)
    engine.submit("first", prompt_of(1, 16), [1, 2], "", 0.0)
    engine.submit("second", prompt_of(2, 12), [1, 2], "", 0.0)
    run.step()
    assert (engine.running, engine.waiting) == (1, 1)

    records = run.to_the_end()
    assert records["second"].queued_s == pytest.approx(records["first"].prefill_s + records["first"].decode_s)


def test_waiting_requests_are_admitted_in_order_even_if_a_later_one_would_fit() -> None:
    engine = make_engine(blocks=6)
    engine.submit("first", prompt_of(1, 16), [1, 2], "", 0.0)
    engine.submit("large", prompt_of(2, 12), [1], "", 0.0)
    engine.submit("small", prompt_of(3, 4), [1], "", 0.0)
    engine.step(0.0)

    assert engine.waiting == 2


def test_no_more_than_max_running_are_admitted() -> None:
    engine = make_engine(max_running=2)
    for index in range(3):
        engine.submit(str(index), prompt_of(index, 4), [1, 2], "", 0.0)
    engine.step(0.0)

    assert (engine.running, engine.waiting) == (2, 1)


def test_the_latest_admitted_is_preempted_and_computed_again() -> None:
    engine = make_engine(blocks=4)
    run = Run(engine)
    engine.submit("early", prompt_of(1, 7), list(range(6)), "", 0.0)
    engine.submit("late", prompt_of(2, 7), list(range(6)), "", 0.0)
    records = run.to_the_end()

    assert [event for event in run.events if isinstance(event, Preempted)] == [Preempted("late")]
    assert records["early"].preemptions == 0
    assert records["late"].preemptions == 1
    assert records["late"].completion_tokens == 6
    assert records["late"].decode_s > records["early"].decode_s
    assert engine.counters.preemptions == 1
    assert engine.counters.generation_tokens == 12, "no token is generated twice"
    assert [event for event in run.events if isinstance(event, FirstToken)].count(FirstToken("late")) == 1


def test_a_preempted_request_goes_to_the_front_of_the_queue() -> None:
    engine = make_engine(blocks=4, max_running=2)
    run = Run(engine)
    for name in ("early", "late", "waiting"):
        engine.submit(name, prompt_of(ord(name[0]), 7), list(range(6)), "", 0.0)
    finished = list(run.to_the_end())

    assert finished == ["early", "late", "waiting"]


def test_recomputing_what_was_cached_before_counts_as_reprefill() -> None:
    run = Run(make_engine(blocks=4))
    run.ask("a", prompt_of(1, 12))
    run.ask("b", prompt_of(2, 12))
    assert run.engine.counters.reprefilled_tokens == 0

    # "b" needed all four blocks. The last block of a prompt is never matched: two of three could have been hits.
    assert run.ask("a-again", prompt_of(1, 12)).cached_tokens == 0
    assert run.engine.counters.reprefilled_tokens == 8


def test_a_working_set_above_the_capacity_thrashes_and_one_below_does_not() -> None:
    def hit_ratio(programs: int) -> float:
        run = Run(make_engine(blocks=40))
        for turn in range(5):
            for program in range(programs):
                run.ask(f"{program}/{turn}", prompt_of(program, 21 + 4 * turn))
        counters = run.engine.counters
        return counters.prefix_cache_hits_tokens / counters.prefix_cache_queries_tokens

    assert hit_ratio(4) > 0.6
    assert hit_ratio(8) < 0.05, "LRU evicts nearly all of each program just before its next turn"


def test_an_abort_frees_the_blocks_and_keeps_their_content_cached() -> None:
    run = Run(make_engine())
    run.engine.submit("gone", prompt_of(1, 12), [1] * 50, "", 0.0)
    run.step()
    assert run.engine.used_blocks == 3

    assert run.engine.abort("gone")
    assert run.engine.used_blocks == run.engine.running == 0
    assert "gone" not in run.engine
    assert run.ask("next", prompt_of(1, 13)).cached_tokens == 12


def test_an_abort_removes_a_waiting_request_and_ignores_an_unknown_one() -> None:
    engine = make_engine()
    engine.submit("waiting", prompt_of(1, 4), [1], "", 0.0)

    assert engine.abort("waiting")
    assert not engine.abort("waiting")
    assert engine.step(0.0).events == ()


def test_a_reset_makes_the_next_prompt_a_first_one() -> None:
    run = Run(make_engine())
    run.ask("a", prompt_of(1, 12))
    run.engine.reset_prefix_cache()

    assert run.ask("b", prompt_of(1, 12)).cached_tokens == 0
    assert run.engine.counters.reprefilled_tokens == 0


def test_a_reset_can_recompute_what_runs() -> None:
    run = Run(make_engine())
    run.engine.submit("a", prompt_of(1, 12), list(range(9)), "", 0.0)
    run.engine.submit("b", prompt_of(2, 12), list(range(9)), "", 0.0)
    run.step()
    run.engine.reset_prefix_cache(recompute_running=True)
    assert (run.engine.running, run.engine.waiting, run.engine.used_blocks) == (0, 2, 0)

    records = run.to_the_end()
    assert list(records) == ["a", "b"]
    assert records["a"].completion_tokens == 9


@pytest.mark.parametrize(
    ("prompt", "output", "message"),
    [
        (prompt_of(1, 30), [1] * 3, "30 \\+ 3 tokens, together they must have at most 32"),
        ([], [1], "each must have at least 1"),
        ([1], [], "each must have at least 1"),
    ],
)
def test_what_the_engine_could_never_finish_is_refused(prompt: list[int], output: list[int], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        make_engine(blocks=8).submit("a", prompt, output, "", 0.0)


def test_an_id_in_use_is_refused() -> None:
    engine = make_engine()
    engine.submit("a", [1], [1], "", 0.0)
    with pytest.raises(ValueError, match="request_id is 'a'"):
        engine.submit("a", [1], [1], "", 0.0)


@settings(max_examples=60, deadline=None)
@given(
    requests=st.lists(st.tuples(st.integers(0, 2), st.integers(1, 20), st.integers(1, 12)), min_size=1, max_size=12),
    blocks=st.integers(8, 20),
    max_batched_tokens=st.integers(3, 40),
)
def test_every_request_finishes_and_nothing_stays_held(
    requests: list[tuple[int, int, int]], blocks: int, max_batched_tokens: int
) -> None:
    engine = make_engine(blocks, max_batched_tokens=max_batched_tokens)
    run = Run(engine)
    for index, (family, prompt_tokens, output_tokens) in enumerate(requests):
        engine.submit(str(index), prompt_of(family, prompt_tokens), list(range(output_tokens)), "", run.now_s)
        run.step()
        assert engine.used_blocks <= engine.num_blocks
    records = run.to_the_end()

    assert len(records) == len(requests)
    for index, (_, prompt_tokens, output_tokens) in enumerate(requests):
        record = records[str(index)]
        assert record.completion_tokens == output_tokens
        assert record.cached_tokens < prompt_tokens
        assert min(record.queued_s, record.prefill_s, record.decode_s) >= 0
    assert engine.used_blocks == 0
    assert engine.counters.generation_tokens == sum(output for _, _, output in requests)
    assert engine.counters.preemptions == sum(record.preemptions for record in records.values())
