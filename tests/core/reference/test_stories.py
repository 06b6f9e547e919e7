"""What chance meets rarely, told as stories to the scheduler and the reference alike; they must agree at every step."""

from __future__ import annotations

from tests.core.reference.host import Comparison
from tests.core.reference.rules import Rules
from tests.core.reference.thunder import ThunderOptions, ThunderRules
from tests.core.reference.tr import TrOptions, TrRules
from thunderagent.core import Policy, ThunderPolicy, TrPolicy
from thunderagent.core import events as ev
from thunderagent.core.usage import Usage


class Story(Comparison):
    """Told by hand."""

    def __init__(self, policy: Policy, model: Rules, **capacities: int) -> None:
        super().__init__()
        self.begin(policy, model)
        for backend_id, capacity in capacities.items():
            self.send(ev.BackendJoined(backend_id, capacity))

    def check(self) -> None:
        self.both_hold_the_same_programs_in_the_same_places()

    def end(self, turn: int, completion: int = 0, cached: int | None = None) -> None:
        del self.running[turn]
        self.send(ev.TurnEnded(turn, Usage(self.prompts[turn], completion, cached)))
        self.check()

    def turn(self, program: str, prompt: int) -> None:
        self.end(self.arrive(program, prompt))

    def where(self, program_id: str) -> str | None:
        """Where both hold it."""
        self.check()
        backend = self.scheduler.programs[program_id].backend
        return None if backend is None else backend.id

    def wait_s(self, seconds: float) -> None:
        """The timer comes when it was asked for."""
        until_s = self.now + seconds
        while self.alarm_s is not None and self.alarm_s <= until_s:
            self.now = max(self.now, self.alarm_s)
            self.send(ev.TimerFired())
        self.now = until_s
        self.check()


def thunder(**options: bool) -> tuple[Policy, Rules]:
    return ThunderPolicy(**options), ThunderRules(ThunderOptions(**options))  # type: ignore[arg-type]


def published(half_life_s: float | None = None) -> tuple[Policy, Rules]:
    options = TrOptions(
        resume_below=1.0,
        acting_half_life_s=half_life_s,
        tick_s=5.0,
        subtract_marked=False,
        credit_prefixes=False,
        origin_first=False,
        refuse_oversized=False,
    )
    return TrPolicy.published(acting_half_life_s=half_life_s), TrRules(options)


def test_a_callers_priority_outweighs_the_siblings_that_have_finished() -> None:
    story = Story(*thunder(group_aware=True), a=10_000)
    story.turn("g_0", 1_000)
    story.arrive("running", 7_000)
    story.arrive("g_1", 9_000)
    story.arrive("urgent", 9_500, priority=-1)
    story.send(ev.ProgramReleased("g_0"))
    story.send(ev.ProgramReleased("running"))
    assert (story.where("urgent"), story.where("g_1")) == ("a", None)


def test_without_origin_first_a_program_resumes_where_most_is_free() -> None:
    options = {"origin_first": False}
    story = Story(TrPolicy(**options), TrRules(TrOptions(**options)), a=10_000)
    story.turn("p", 4_000)
    story.arrive("running", 1_000)
    story.send(ev.CapacityChanged("a", 2_000))
    story.send(ev.CapacityChanged("a", 10_000))
    story.send(ev.BackendJoined("b", 20_000))
    story.arrive("p", 4_000)
    assert story.where("p") == "b"


def test_nobody_resumes_between_turns_while_a_turn_waits() -> None:
    story = Story(*published(), a=10_000)
    for program, tokens in (("p", 1_000), ("q", 2_000), ("r", 6_000)):
        story.turn(program, tokens)
    story.send(ev.CapacityChanged("a", 7_000))
    story.wait_s(5.0)
    assert (story.where("p"), story.where("q")) == (None, None)
    story.send(ev.CapacityChanged("a", 8_000))
    story.arrive("q", 5_000)
    story.wait_s(5.0)
    assert (story.where("p"), story.where("q")) == (None, None)


def test_tokens_of_a_program_resumed_between_turns_decay_anew() -> None:
    story = Story(*published(5.0), a=10_000)
    story.turn("p", 4_000)
    story.turn("q", 5_700)
    story.send(ev.CapacityChanged("a", 5_000))
    story.wait_s(5.0)
    assert story.where("p") is None
    story.send(ev.CapacityChanged("a", 10_000))
    story.wait_s(10.0)
    assert story.where("p") == "a"
    story.send(ev.CapacityChanged("a", 1_200))
    story.wait_s(5.0)
    assert story.where("p") is None
    story.arrive("new", 600)
    assert story.where("new") == "a", "nothing is left of p's tokens"


def test_a_group_whose_prompt_is_the_common_start_shares_it_with_strangers() -> None:
    story = Story(*thunder(), a=10_000)
    story.arrive("g_0", 3_000, prefix="long")
    story.arrive("stranger", 3_500, prefix="long")
    story.arrive("other", 5_000)
    assert story.where("other") == "a"


def test_kv_is_gone_from_the_origin_when_just_as_much_was_written_as_there_was_room() -> None:
    story = Story(*thunder(), a=10_000)
    story.turn("p", 2_000)
    story.arrive("running", 2_000)
    story.send(ev.CapacityChanged("a", 3_000))
    story.send(ev.CapacityChanged("a", 10_000))
    story.end(story.arrive("running", 2_000), 4_000, cached=2_000)
    story.send(ev.BackendJoined("b", 20_000))
    story.arrive("p", 2_000)
    assert story.where("p") == "b"


def test_the_capacity_correction_grows_as_soon_as_what_is_held_fills_the_backend() -> None:
    story = Story(*thunder(), a=10_000)
    story.turn("p", 4_000)
    story.arrive("running", 4_700)
    story.end(story.arrive("p", 4_000), cached=4_000)
    assert isinstance(story.model, ThunderRules)
    fit = story.scheduler.ledger.backends["a"].fit
    assert fit == story.model.fit(story.reference.world.backends[0])
    assert fit > 1.0


def test_a_program_is_as_old_in_line_as_its_first_turn_that_still_waits() -> None:
    options = {"max_wait_s": 20.0}
    story = Story(TrPolicy(**options), TrRules(TrOptions(**options)), a=10_000)  # type: ignore[arg-type]
    story.arrive("running", 8_000)
    first = story.arrive("p", 6_000)
    story.wait_s(10.0)
    story.arrive("p", 6_000)
    del story.waiting[first]
    story.send(ev.TurnCancelled(first))
    story.wait_s(15.0)
    assert story.where("p") is None
    story.wait_s(5.0)
    assert story.where("p") == "a"
