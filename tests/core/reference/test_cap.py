"""``cap`` against its reference."""

from __future__ import annotations

from hypothesis import strategies as st

from tests.core.reference.cap import CapRules
from tests.core.reference.host import Comparison, checked
from tests.core.reference.rules import Rules
from thunderagent.core import CapPolicy, Policy


class CapDecidesAsItsReference(Comparison):
    """One to three slots, with and without a bound on waiting."""

    def choose(self, data: st.DataObject) -> tuple[Policy, Rules]:
        slots = data.draw(st.integers(1, 3))
        max_wait_s = data.draw(st.sampled_from([None, 5.0, 25.0]))
        return CapPolicy(slots, max_wait_s), CapRules(slots, max_wait_s)


TestCapDecidesAsItsReference = checked(CapDecidesAsItsReference, 60)
