"""``default`` against its reference."""

from __future__ import annotations

from hypothesis import strategies as st

from tests.core.reference.default import DefaultRules
from tests.core.reference.host import Comparison, checked
from tests.core.reference.rules import Rules
from thunderagent.core import DefaultPolicy, Policy
from thunderagent.core.policies.default import Routing

ROUTINGS: list[Routing] = ["sticky", "least-loaded", "prefix-affinity"]


class DefaultDecidesAsItsReference(Comparison):
    """With every routing."""

    def choose(self, data: st.DataObject) -> tuple[Policy, Rules]:
        routing = data.draw(st.sampled_from(ROUTINGS))
        return DefaultPolicy(routing), DefaultRules(routing)


TestDefaultDecidesAsItsReference = checked(DefaultDecidesAsItsReference, 40)
