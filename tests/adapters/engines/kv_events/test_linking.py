"""Whose blocks are whose."""

from __future__ import annotations

from tests.adapters.engines.kv_events.naive import BLOCK_TOKENS, NaiveCache
from thunderagent.adapters.engines.kv_events.chains import Chains
from thunderagent.adapters.engines.kv_events.linking import GIVE_UP_S, SETTLE_S, EndedTurn, Linking


class Engine:
    """Turns run here one second each; letters are blocks."""

    def __init__(self, *, names_sessions: bool) -> None:
        self.named = names_sessions
        self.cache, self.chains = NaiveCache(), Chains()
        self.linking = Linking(self.chains)
        self.now = 100.0

    def stores(self, program: str, context: str) -> None:
        start = self.cache.there(context) // BLOCK_TOKENS
        if start < len(context):
            self.chains.take(self.cache.store(context, program if self.named else "", start), self.now)

    def ends(self, program: str, tokens: int, *, ran_s: float = 1.0) -> None:
        self.linking.put(EndedTurn(program, program, tokens, self.now - ran_s, self.now))

    def settle(self, after_s: float = SETTLE_S) -> dict[str, int]:
        self.now += after_s
        return self.linking.settle(self.now)

    def turn(self, program: str, context: str, more: int = 1) -> dict[str, int]:
        """So many tokens beyond the whole blocks, the last of which is never written."""
        self.now += 1.0
        self.stores(program, context)
        self.ends(program, len(context) * BLOCK_TOKENS + more)
        return self.settle()


def test_a_named_session_has_the_blocks_that_it_stored() -> None:
    engine = Engine(names_sessions=True)
    engine.stores("p", "abc")
    engine.stores("q", "xyz")
    engine.ends("p", 49)
    engine.ends("q", 64)
    assert engine.settle(after_s=0.0) == {"p": 48, "q": 48}
    assert (engine.linking.found, engine.linking.unknown) == (2, 0)


def test_events_of_a_named_session_may_come_late_but_not_too_late() -> None:
    engine = Engine(names_sessions=True)
    engine.turn("other", "o")
    engine.ends("p", 49)
    engine.ends("q", 49)
    assert engine.settle() == {}
    assert engine.linking.due_s is None
    engine.stores("p", "abc")
    assert engine.settle() == {"p": 48}
    assert engine.settle(GIVE_UP_S) == {}
    engine.stores("q", "xyz")
    assert engine.settle() == {}
    assert (engine.linking.found, engine.linking.unknown) == (2, 1)


def test_a_turn_that_fills_no_block_leaves_its_program_where_it_was() -> None:
    for named in (True, False):
        engine = Engine(names_sessions=named)
        assert engine.turn("p", "abc") == {"p": 48}
        assert engine.turn("p", "abc", more=BLOCK_TOKENS) == {"p": 48}
        assert engine.turn("q", "", more=BLOCK_TOKENS) == {}


def test_the_last_token_is_never_written() -> None:
    engine = Engine(names_sessions=True)
    engine.stores("p", "abc")
    engine.ends("p", 48)
    assert engine.settle() == {}, "48 tokens have left two blocks: the third is of another turn"


def test_without_names_the_only_chain_that_fits_is_the_program_s() -> None:
    engine = Engine(names_sessions=False)
    assert engine.linking.due_s is None
    engine.stores("p", "abc")
    engine.stores("q", "xyzw")
    engine.ends("p", 49)
    assert engine.linking.due_s == engine.now + SETTLE_S
    assert engine.settle(after_s=0.0) == {}, "another may come yet"
    assert engine.settle() == {"p": 48}


def test_without_names_two_that_fit_are_nobody_s() -> None:
    engine = Engine(names_sessions=False)
    engine.stores("p", "abc")
    engine.stores("q", "xyz")
    engine.ends("p", 49)
    engine.ends("q", 49)
    assert engine.settle() == {}
    assert engine.linking.unknown == 2


def test_what_was_stored_before_a_turn_began_is_not_its() -> None:
    engine = Engine(names_sessions=False)
    engine.stores("p", "abc")
    engine.now += 5.0
    engine.ends("q", 49, ran_s=4.0)
    assert engine.settle() == {}


def test_a_program_goes_on_where_it_was_and_not_in_the_chain_of_another() -> None:
    engine = Engine(names_sessions=False)
    engine.turn("p", "abc")
    engine.turn("q", "xyz")
    engine.now += 1.0
    engine.stores("p", "abcd")
    engine.stores("q", "xyzw")
    for program in ("p", "q", "new"):
        engine.ends(program, 65)
    assert engine.settle() == {"p": 64, "q": 64}


def test_a_program_that_had_lost_blocks_is_found_again() -> None:
    engine = Engine(names_sessions=False)
    engine.turn("p", "abc")
    engine.turn("q", "abxy")
    for block in ("abc", "abxy", "abx"):
        engine.chains.take(engine.cache.remove(block), engine.now)
    assert engine.turn("p", "abcd") == {"p": 64}
    assert engine.turn("new", "abe") == {"new": 48}, "the start that p and q have lost their ends of is anybody's"


def test_blocks_that_are_evicted_as_soon_as_their_turn_has_ended_are_still_its_and_nobody_else_s() -> None:
    engine = Engine(names_sessions=False)
    engine.stores("p", "abc")
    engine.stores("q", "xyz")
    engine.ends("p", 49)
    engine.chains.take(engine.cache.remove("abc"), engine.now)
    assert engine.settle() == {}, "not those of q"
    engine.now += 10.0
    engine.stores("p", "abcdef")
    engine.ends("p", 97)
    engine.chains.take(engine.cache.remove("abcdef"), engine.now)
    assert engine.settle() == {"p": 80}


def test_a_chain_that_has_gone_on_is_of_a_turn_that_runs() -> None:
    engine = Engine(names_sessions=False)
    engine.stores("q", "xyz")
    engine.stores("q", "xyzw")
    engine.ends("p", 49)
    assert engine.settle() == {}


def test_a_program_that_goes_on_before_its_blocks_were_looked_for_is_no_reason_to_take_those_of_another() -> None:
    engine = Engine(names_sessions=False)
    engine.stores("p", "abc")
    engine.stores("q", "xyz")
    engine.ends("p", 49)
    engine.now += SETTLE_S / 2
    engine.stores("p", "abcd")
    assert engine.settle() == {}
