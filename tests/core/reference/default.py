"""``default``: every turn starts at once, where its program was before, else where the fewest programs are."""

from __future__ import annotations

from tests.core.reference.rules import Rules


class DefaultRules(Rules):
    """A pass-through, as ``Rules`` stands."""
