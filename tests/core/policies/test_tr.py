"""The predicates of ``tr``."""

from __future__ import annotations

from thunderagent.core import TrPolicy
from thunderagent.core.ledger import Backend, Ledger
from thunderagent.core.program import Program, Status


def ledger(*backends: Backend) -> Ledger:
    made = Ledger()
    made.backends = {backend.id: backend for backend in backends}
    return made


def test_the_weight_of_acting_tokens_overcommits_the_cache() -> None:
    backend = Backend("a", 10_000, resident=1, private_acting_tokens=8_000)
    program = Program("p", birth=0, context_tokens=4_000)
    assert not TrPolicy().fits(program, backend)
    assert TrPolicy(acting_token_weight=0.5).fits(program, backend)


def test_what_is_marked_is_not_asked_for_twice() -> None:
    backend = Backend("a", 10_000, resident=3, private_reasoning_tokens=12_000, marked_tokens=3_000)
    assert TrPolicy().excess_tokens(backend) == -700


def test_a_lone_resident_never_has_to_give_way() -> None:
    assert TrPolicy().excess_tokens(Backend("a", 100, resident=1, private_reasoning_tokens=5_000)) == 0


def test_an_engine_of_unknown_capacity_has_no_excess_and_no_limit() -> None:
    unknown = Backend("a", None, resident=2, private_reasoning_tokens=10**9)
    assert TrPolicy().excess_tokens(unknown) == 0
    assert TrPolicy().largest_prompt_tokens(ledger(unknown, Backend("b", 5))) is None


def test_programs_that_have_run_come_first_then_the_shortest_then_the_oldest() -> None:
    programs = [
        Program("new", birth=0, context_tokens=1),
        Program("long", birth=1, context_tokens=900, origin_id="a", status=Status.PARKED),
        Program("short", birth=3, context_tokens=100, origin_id="a", status=Status.PARKED),
        Program("older", birth=2, context_tokens=100, origin_id="a", status=Status.PARKED),
    ]
    assert [p.id for p in sorted(programs, key=TrPolicy().resume_key)] == ["older", "short", "long", "new"]


def test_by_force_a_program_still_goes_where_it_can_be_held() -> None:
    busy, small = Backend("busy", 10_000, resident=3, private_reasoning_tokens=9_900), Backend("small", 4_000)
    assert TrPolicy().place_by_force(Program("p", birth=0, context_tokens=8_000), ledger(busy, small)) is busy
