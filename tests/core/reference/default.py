"""``default``: every turn starts at once, where its program was before, else where the fewest are, or as a router would."""

from __future__ import annotations

from tests.core.reference.rules import Rules
from tests.core.reference.world import Backend, Program


class DefaultRules(Rules):
    """A pass-through, as ``Rules`` stands, or with another routing."""

    def __init__(self, routing: str = "sticky") -> None:
        super().__init__()
        self.routing, self.sticky = routing, routing == "sticky"

    def candidates(self, program: Program) -> list[Backend | None]:
        if self.sticky:
            return super().candidates(program)
        likely = (
            [self.world.usable_backend(program.origin_id), self.world.home(program)] if self.routing != "least-loaded" else []
        )
        return [*(b for b in likely if b is not None and not self.crowded(b)), *self.by_load()[:1]]

    def crowded(self, backend: Backend) -> bool:
        least, most = (len(self.world.residents(b)) for b in (self.by_load()[0], backend))
        return most - least > 64 and most > 1.5 * least
