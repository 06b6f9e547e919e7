"""``tr`` without ticks, with all its options, against its reference."""

from __future__ import annotations

from dataclasses import asdict

from hypothesis import strategies as st

from tests.core.reference.host import Comparison, checked
from tests.core.reference.rules import Rules
from tests.core.reference.tr import TrOptions, TrRules
from thunderagent.core import Policy, TrPolicy

UNIT_S = 1.25
"""Times are multiples of this and so is the half-life: tokens decay by powers of two, which floats hold exactly, so that the
scheduler's running sum and the reference's sum from scratch are the same number."""


class TrDecidesAsItsReference(Comparison):
    """Events, no ticks."""

    time_unit_s = UNIT_S

    def choose(self, data: st.DataObject) -> tuple[Policy, Rules]:
        options = TrOptions(
            pause_above=data.draw(st.sampled_from([1.0, 1.0, 0.75])),
            resume_below=data.draw(st.sampled_from([0.9, 0.9, 0.5])),
            acting_token_weight=data.draw(st.sampled_from([1.0, 1.0, 0.5])),
            acting_half_life_s=data.draw(st.sampled_from([None, None, UNIT_S, 4 * UNIT_S])),
            max_wait_s=data.draw(st.sampled_from([1800.0, 25.0, None])),
            subtract_marked=data.draw(st.sampled_from([True, True, False])),
            credit_prefixes=data.draw(st.sampled_from([True, True, False])),
            origin_first=data.draw(st.sampled_from([True, True, False])),
            refuse_oversized=data.draw(st.sampled_from([True, True, False])),
            marks=data.draw(st.sampled_from([True, True, False])),
        )
        return TrPolicy(**asdict(options)), TrRules(options)


TestTrDecidesAsItsReference = checked(TrDecidesAsItsReference, 150)
