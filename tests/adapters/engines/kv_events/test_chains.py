"""The tree of cached blocks, against a cache that is looked at as a whole."""

from __future__ import annotations

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from tests.adapters.engines.kv_events.naive import BLOCK_TOKENS, NaiveCache, name_of
from thunderagent.adapters.engines.kv_events.chains import REMEMBERED_S, Block, Chains
from thunderagent.adapters.engines.kv_events.wire import Cleared, Removed, Stored


def tip(chains: Chains, context: str, session: str = "") -> Block:
    return next(b for b in chains.stored_since(session, len(context) * BLOCK_TOKENS, 0.0) if b.hash == name_of(context))


def test_a_program_keeps_what_is_before_the_first_block_that_goes() -> None:
    cache, chains = NaiveCache(), Chains()
    chains.take(cache.store("abcd"), 1.0)
    assert chains.put("p", tip(chains, "abcd")) == 64
    chains.take(cache.remove("abcd"), 2.0)
    assert chains.losses == {"p": 48}
    chains.take(cache.remove("abc"), 2.0)
    assert chains.losses == {"p": 32}
    for block in ("ab", "a"):
        chains.take(cache.remove(block), 2.0)
    assert chains.losses == {"p": 0}
    assert chains.end_of("p") is None
    assert len(chains) == 0


def test_a_block_that_two_requests_have_computed_goes_with_its_second_copy() -> None:
    cache, chains = NaiveCache(), Chains()
    chains.take(cache.store("ab"), 1.0)
    chains.take(cache.store("ab"), 1.0)
    chains.put("p", tip(chains, "ab"))
    chains.take(cache.remove("ab"), 2.0)
    assert chains.losses == {}
    chains.take(cache.remove("ab"), 2.0)
    assert chains.losses == {"p": 16}


def test_programs_that_share_a_start_share_its_loss() -> None:
    cache, chains = NaiveCache(), Chains()
    for context in ("abx", "aby"):
        chains.take(cache.store(context), 1.0)
        chains.put(context, tip(chains, context))
    for block in ("abx", "aby", "ab", "ab"):
        chains.take(cache.remove(block), 2.0)
    assert chains.losses == {"abx": 16, "aby": 16}


def test_a_block_that_goes_from_the_middle_takes_what_follows_and_brings_nothing_back() -> None:
    cache, chains = NaiveCache(), Chains()
    chains.take(cache.store("abcd"), 1.0)
    chains.put("p", tip(chains, "abcd"))
    chains.take(cache.remove("ab"), 2.0)
    assert chains.losses == {"p": 16}
    chains.take(Stored((name_of("abX"),), name_of("ab"), BLOCK_TOKENS), 2.0)
    assert next(chains.stored_since("", 48, 1.5), None) is None, "nothing follows a block that is not there"
    chains.take(cache.store("ab", start=1), 3.0)
    assert chains.end_of("p") is not None
    for block in ("abcd", "abc", "ab", "a"):
        chains.take(cache.remove(block), 4.0)
    assert len(chains) == 0


def test_what_was_stored_before_anybody_listened_is_not_known() -> None:
    chains = Chains()
    chains.take(Stored((2, 3), 1, 16), 1.0)
    chains.take(Stored((), None, 16), 1.0)
    chains.take(Removed((2,)), 1.0)
    assert len(chains) == 0
    assert chains.losses == {}


def test_of_several_groups_of_layers_one_is_followed() -> None:
    chains = Chains()
    chains.take(Stored((1,), None, 16, group=1), 1.0)
    chains.take(Stored((1,), None, 16, group=2), 1.0)
    chains.take(Removed((1,), group=2), 1.0)
    assert len(chains) == 1
    chains.take(Removed((1,), group=1), 1.0)
    assert len(chains) == 0


def test_a_cleared_cache_is_empty() -> None:
    cache, chains = NaiveCache(), Chains()
    chains.take(cache.store("ab"), 1.0)
    chains.put("p", tip(chains, "ab"))
    chains.take(Cleared(), 2.0)
    assert (len(chains), chains.programs, chains.losses) == (0, [], {})
    assert next(chains.stored_since("", 32, 0.0), None) is None


def test_a_block_that_has_gone_is_found_for_a_while_with_what_is_left_before_it() -> None:
    cache, chains = NaiveCache(), Chains()
    chains.take(cache.store("abcd"), 1.0)
    chains.take(cache.remove("abcd"), 2.0)
    assert chains.put("p", tip(chains, "abcd")) == 48
    chains.take(cache.remove("abc"), 2.0)
    chains.take(cache.remove("ab"), 2.0)
    chains.take(cache.store("abc", start=1), 3.0)
    assert chains.put("q", tip(chains, "abcd")) == 48
    chains.take(cache.store("xyz"), 2.1 + REMEMBERED_S)
    assert next(chains.stored_since("", 64, 0.0), None) is None
    assert chains.put("r", Block(b"gone", None, 16)) == 0


def test_the_last_to_store_a_block_is_whose_it_is() -> None:
    cache, chains = NaiveCache(), Chains()
    chains.take(cache.store("ab", "p"), 1.0)
    chains.take(cache.store("ab", "q"), 2.0)
    assert next(chains.stored_since("p", 32, 0.0), None) is None
    assert tip(chains, "ab", "q").tokens == 32
    assert next(chains.stored_since("q", 32, 2.5), None) is None


def test_a_program_that_is_forgotten_is_told_of_no_more() -> None:
    cache, chains = NaiveCache(), Chains()
    chains.take(cache.store("ab"), 1.0)
    chains.put("p", tip(chains, "ab"))
    chains.take(cache.remove("ab"), 2.0)
    chains.forget("p")
    chains.forget("p")
    chains.take(cache.remove("a"), 2.0)
    assert chains.losses == {}


class ChainsMachine(RuleBasedStateMachine):
    """Whole contexts are stored as engines do, blocks go in any order."""

    def __init__(self) -> None:
        super().__init__()
        self.cache, self.chains, self.now = NaiveCache(), Chains(), 0.0
        self.told: dict[str, int] = {}
        self.contexts: dict[str, str] = {}

    @rule(context=st.text("ab", min_size=1, max_size=6), session=st.sampled_from(["", "p", "q"]), copy=st.booleans())
    def store(self, context: str, session: str, copy: bool) -> None:
        self.now += 1.0
        start = 0 if copy else self.cache.there(context) // BLOCK_TOKENS
        if start < len(context):
            self.chains.take(self.cache.store(context, session, start), self.now)
            program = f"program {context}"
            self.contexts[program] = context
            self.told[program] = self.chains.put(program, tip(self.chains, context, session))

    @precondition(lambda self: +self.cache.copies)
    @rule(data=st.data(), last=st.booleans())
    def remove(self, data: st.DataObject, last: bool) -> None:
        """Of a context the last first, or whatever."""
        self.now += 1.0
        there = sorted(+self.cache.copies)
        ends = [name for name in there if not any(other != name and other.startswith(name) for other in there)]
        self.chains.take(self.cache.remove(data.draw(st.sampled_from(ends if last else there))), self.now)

    @invariant()
    def no_program_is_said_to_have_more_than_is_there(self) -> None:
        """Nor less, unless something before its end went and came back."""
        self.told.update(self.chains.losses)
        self.chains.losses.clear()
        for program, tokens in self.told.items():
            assert tokens <= self.cache.there(self.contexts[program])
            end = self.chains.end_of(program)
            assert tokens == (end.tokens if end is not None else 0)

    @invariant()
    def blocks_are_known_as_long_as_they_are_there(self) -> None:
        known = {name for name, block in self.chains._blocks.items() if block.copies}
        assert known <= {name_of(name) for name in +self.cache.copies}

    @invariant()
    def nothing_is_kept_of_what_is_gone(self) -> None:
        if not +self.cache.copies:
            assert len(self.chains) == 0
            assert not self.chains.programs


TestChains = ChainsMachine.TestCase
TestChains.settings = settings(max_examples=200, stateful_step_count=30, deadline=None)
