"""``thunder`` against its reference."""

from __future__ import annotations

from dataclasses import asdict

from hypothesis import strategies as st
from hypothesis.stateful import invariant

from tests.core.reference.host import Comparison, checked
from tests.core.reference.rules import Rules
from tests.core.reference.thunder import ThunderOptions, ThunderRules
from tests.core.reference.tool_calls import mean_residual_s
from thunderagent.core import Policy, ThunderPolicy
from thunderagent.core import events as ev
from thunderagent.core.usage import Usage


class ThunderDecidesAsItsReference(Comparison):
    """All options.

    Turns end and arrive at multiples of 1/8 s, so sums of tool times are exact in any order; the capacity correction and the
    prefill speed are folded in the order of what was seen, by the same formula, so they are the same floats.
    """

    def choose(self, data: st.DataObject) -> tuple[Policy, Rules]:
        options = ThunderOptions(
            resume_below=data.draw(st.sampled_from([None, None, 0.5])),
            pause_above=data.draw(st.sampled_from([1.0, 1.0, 0.75])),
            hints=data.draw(st.booleans()),
            feedback=data.draw(st.sampled_from([0.05, 0.5, 0.0])),
            order=data.draw(st.sampled_from(["waiting", "age"])),
            group_aware=data.draw(st.booleans()),
            max_wait_s=data.draw(st.sampled_from([1800.0, 20.0, None])),
            prefill_tokens_per_s=data.draw(st.sampled_from([None, None, 2_000.0])),
        )
        return ThunderPolicy(**asdict(options)), ThunderRules(options)

    def prepare(self, data: st.DataObject) -> None:
        """Tool calls that were seen before, in some examples enough of one tool to judge it by its own."""
        tools = st.tuples(st.sampled_from(["bash", "search"]), st.sampled_from([1, 2, 4, 8, 11, 30, 90, 300]))
        calls = data.draw(st.one_of(st.just([]), st.lists(tools, min_size=6, max_size=20)))
        for tool, eighths in calls:
            self.end_at_once("seed", tool)
            self.time_passes(eighths)
        if calls:
            self.end_at_once("seed", "")
            self.send(ev.ProgramReleased("seed"))

    @invariant()
    def both_have_learnt_the_same(self) -> None:
        """What decides later: capacity corrections, prefill speeds, tokens written, tool times."""
        rules, world = self.model, self.reference.world
        assert isinstance(rules, ThunderRules)
        real = {b.id: (b.fit, b.prefill_tokens_per_s, b.written_tokens) for b in self.scheduler.ledger.backends.values()}
        assert real == {b.id: (rules.fit(b), rules.measured_speed(b), sum(b.writes)) for b in world.backends}
        for tool, elapsed_s in (("bash", 0.0), ("bash", 1.25), ("search", 0.375), ("", 7.0)):
            expected_s = mean_residual_s(world.calls, tool, elapsed_s)
            assert self.scheduler._state.tools.mean_residual_s(tool, elapsed_s) == expected_s

    def end_at_once(self, program: str, tool: str) -> None:
        turn = self.arrive(program, 100)
        del self.running[turn]
        self.send(ev.TurnEnded(turn, Usage(100, 0), tool))


TestThunderDecidesAsItsReference = checked(ThunderDecidesAsItsReference, 200)
