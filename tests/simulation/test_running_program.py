from __future__ import annotations

import itertools

from thunderagent.simulation.running_program import BLOCKS_PER_NAME, RunningProgram
from thunderagent.simulation.script import Script, ScriptedTurn

BLOCK = 16


class Names:
    """As the driver names blocks."""

    def __init__(self) -> None:
        self._numbers = itertools.count(1)
        self._known: dict[str, int] = {}

    def __call__(self, key: str) -> int:
        base = self._known.get(key) or next(self._numbers) * BLOCKS_PER_NAME
        if key:
            self._known[key] = base
        return base


def program(names: Names, *turns: ScriptedTurn, **shared: str | int) -> RunningProgram:
    return RunningProgram(Script("p", turns, **shared), 0, 0.0, names)  # type: ignore[arg-type]


def alike(one: list[int], other: list[int]) -> int:
    """Blocks at the start that have the same names."""
    return sum(1 for _ in itertools.takewhile(lambda pair: pair[0] == pair[1], zip(one, other, strict=False)))


def turn(new_tokens: int, output_tokens: int, kept_tokens: int | None = None) -> ScriptedTurn:
    return ScriptedTurn(new_tokens, output_tokens, "bash", 1.0, kept_tokens)


def test_a_name_stands_for_each_full_block_of_prompt_and_answer() -> None:
    chain = program(Names(), turn(100, 27)).chain(BLOCK)

    assert len(chain) == 127 // BLOCK
    assert len(set(chain)) == len(chain)


def test_programs_with_nothing_in_common_share_no_block() -> None:
    names = Names()
    one, other = (program(names, turn(100, 30)).chain(BLOCK) for _ in range(2))

    assert not set(one) & set(other)


def test_the_next_turn_goes_on_where_the_last_one_ended() -> None:
    grown = program(Names(), turn(100, 28), turn(20, 12))
    before = grown.chain(BLOCK)
    assert not grown.is_last_turn
    grown.next_turn()

    assert grown.prompt_tokens == 148
    assert grown.chain(BLOCK)[: len(before)] == before
    assert len(grown.chain(BLOCK)) == 160 // BLOCK
    assert grown.is_last_turn


def test_samples_of_a_group_share_the_blocks_of_their_prompt_only() -> None:
    names = Names()
    one, other = (program(names, turn(64, 64), group="g", shared_tokens=64).chain(BLOCK) for _ in range(2))
    stranger = program(names, turn(64, 64), group="h", shared_tokens=64).chain(BLOCK)

    assert alike(one, other) == 4
    assert not set(one[4:]) & set(other[4:])
    assert not set(one) & set(stranger)


def test_groups_share_a_system_prompt_and_not_what_comes_after_it() -> None:
    names = Names()
    one, other = (
        program(names, turn(128, 32), prefix="system", prefix_tokens=64, group=group, shared_tokens=128).chain(BLOCK)
        for group in "gh"
    )
    sample = program(names, turn(128, 32), prefix="system", prefix_tokens=64, group="g", shared_tokens=128).chain(BLOCK)

    assert alike(one, other) == 4
    assert alike(one, sample) == 8


def test_a_block_that_two_parts_meet_in_belongs_to_the_later_one() -> None:
    names = Names()
    one, other = (program(names, turn(100, 28), group="g", shared_tokens=70).chain(BLOCK) for _ in range(2))

    assert alike(one, other) == 70 // BLOCK
    assert len(one) == 128 // BLOCK


def test_a_shared_start_that_ends_within_one_block_is_no_block() -> None:
    names = Names()
    one, other = (program(names, turn(40, 8), group="g", shared_tokens=BLOCK - 1).chain(BLOCK) for _ in range(2))

    assert alike(one, other) == 0
    assert len(one) == 3


def test_a_shared_start_longer_than_the_prompt_is_not_shared() -> None:
    names = Names()
    one, other = (program(names, turn(40, 24), group="g", shared_tokens=50).chain(BLOCK) for _ in range(2))

    assert alike(one, other) == 0


def test_a_context_that_was_cut_has_new_names_from_the_cut_on() -> None:
    cut = program(Names(), turn(100, 28), turn(60, 8, kept_tokens=70), turn(10, 10))
    before = cut.chain(BLOCK)
    cut.next_turn()
    after = cut.chain(BLOCK)

    assert cut.prompt_tokens == 130
    assert alike(before, after) == 70 // BLOCK
    assert not set(before[70 // BLOCK :]) & set(after[70 // BLOCK :])
    assert len(after) == 138 // BLOCK
    cut.next_turn()
    assert alike(cut.chain(BLOCK), after) == len(after)


def test_no_more_is_kept_than_there_was() -> None:
    longer = program(Names(), turn(100, 28), turn(32, 32, kept_tokens=1_000))
    before = longer.chain(BLOCK)
    longer.next_turn()

    assert longer.prompt_tokens == 160
    assert alike(longer.chain(BLOCK), before) == len(before)


def test_a_cut_within_the_shared_start_leaves_less_of_it_shared() -> None:
    names = Names()
    cut, whole = (program(names, turn(128, 32), turn(32, 32, kept), group="g", shared_tokens=128) for kept in (64, None))
    assert cut.own_chain(BLOCK)[1] == whole.own_chain(BLOCK)[1] == 8
    cut.next_turn()
    whole.next_turn()

    assert alike(cut.chain(BLOCK), whole.chain(BLOCK)) == 4
    assert cut.own_chain(BLOCK) == (cut.chain(BLOCK), 4)
    assert whole.own_chain(BLOCK) == (whole.chain(BLOCK), 8)


def test_a_parallel_call_shares_the_context_that_was_kept_and_nothing_after_it() -> None:
    calling = program(Names(), turn(64, 64), turn(64, 64), turn(10, 10))
    calling.next_turn()
    own, beside, another = calling.chain(BLOCK), calling.chain(BLOCK, beside=True), calling.chain(BLOCK, beside=True)

    assert len(own) == len(beside) == 256 // BLOCK
    assert alike(own, beside) == alike(beside, another) == 128 // BLOCK
    assert not set(own[8:]) & set(beside[8:]) & set(another[8:])
    calling.next_turn()
    assert alike(calling.chain(BLOCK), own) == len(own)


def test_parallel_calls_of_the_first_turn_share_the_system_prompt() -> None:
    calling = program(Names(), turn(128, 32), prefix="system", prefix_tokens=64)

    assert alike(calling.chain(BLOCK), calling.chain(BLOCK, beside=True)) == 64 // BLOCK
