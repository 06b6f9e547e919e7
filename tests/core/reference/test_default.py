"""``default`` against its reference."""

from __future__ import annotations

from hypothesis import strategies as st

from tests.core.reference.default import DefaultRules
from tests.core.reference.host import Comparison, checked
from tests.core.reference.rules import Rules
from thunderagent.core import DefaultPolicy, Policy


class DefaultDecidesAsItsReference(Comparison):
    """No options."""

    def choose(self, data: st.DataObject) -> tuple[Policy, Rules]:
        return DefaultPolicy(), DefaultRules()


TestDefaultDecidesAsItsReference = checked(DefaultDecidesAsItsReference, 40)
