"""``tr`` as published, with tick, decay and final marks, against its reference."""

from __future__ import annotations

from hypothesis import strategies as st

from tests.core.reference.host import Comparison, checked
from tests.core.reference.rules import Rules
from tests.core.reference.tr import TrOptions, TrRules
from thunderagent.core import Policy, TrPolicy

UNIT_S = 1.25
"""A quarter of the tick; half-lives are multiples of it, so that decayed sums are exact (see ``test_tr``)."""


class TrAsPublishedDecidesAsItsReference(Comparison):
    """With and without decay; the bound on waiting is shorter than published, to be met."""

    time_unit_s = UNIT_S

    def choose(self, data: st.DataObject) -> tuple[Policy, Rules]:
        half_life_s = data.draw(st.sampled_from([None, UNIT_S, 4 * UNIT_S]))
        weight = data.draw(st.sampled_from([1.0, 0.5]))
        policy = TrPolicy.published(acting_half_life_s=half_life_s, acting_token_weight=weight)
        policy.max_wait_s = data.draw(st.sampled_from([1800.0, 25.0]))
        options = TrOptions(
            resume_below=1.0,
            acting_token_weight=weight,
            acting_half_life_s=half_life_s,
            max_wait_s=policy.max_wait_s,
            tick_s=5.0,
            subtract_marked=False,
            credit_prefixes=False,
            origin_first=False,
            refuse_oversized=False,
        )
        return policy, TrRules(options)


TestTrAsPublishedDecidesAsItsReference = checked(TrAsPublishedDecidesAsItsReference, 120)
