"""Colours: one for each policy and each state in all pictures, told apart by colour-blind people, seen on white and on black."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from thunderagent.study.report.words import ALONE, BOUND, CAP, THUNDER, TR

INK, MUTED, GRID, PAPER = "#1f242d", "#646c7a", "#e3e6eb", "#fefefe"
"""Of text, lesser text, grids and background. The page gives others for dark screens, so no data has these colours."""

GREY = "#8b929e"
POLICIES = {
    THUNDER: "#d55e00",
    "thunder-groups": "#c08a00",
    ALONE: "#6f7682",
    BOUND: GREY,
    CAP: "#009e73",
    TR: "#0072b2",
    "tr-events": "#3a9ad6",
    "tr-decay": "#b565a7",
}
OTHERS = ("#999933", "#aa4499", "#44aa99", "#6677cc", "#ad5c6b", "#5f9f3f", "#a07850")
DASHES = ("-", (0, (5, 1.5, 1, 1.5)), (0, (1, 1.2)))
"""When the colours are used up, they come again with other dashes; plain dashes are the bound's."""

REASONING, QUEUED, TOOL, PAUSED = "#1b7f8c", "#c2507a", "#ddb84a", "#aeb4be"
STATES = {"reasoning": REASONING, "queued": QUEUED, "tool": TOOL, "paused": PAUSED}
SHARED = "#8f83bd"


@dataclass(frozen=True, slots=True)
class Look:
    """Of one policy."""

    colour: str
    dash: object = "-"
    width: float = 1.6
    order: int = 3
    """What is drawn later lies above."""
    bold: bool = False


def looks(policies: Sequence[str]) -> dict[str, Look]:
    """Of all policies of a study, in its order: those without a colour of their own take the next ones."""
    unknown = [policy for policy in policies if policy not in POLICIES]
    found = {policy: Look(colour) for policy, colour in POLICIES.items()}
    for index, policy in enumerate(unknown):
        found[policy] = Look(OTHERS[index % len(OTHERS)], DASHES[index // len(OTHERS) % len(DASHES)])
    found[THUNDER] = Look(POLICIES[THUNDER], width=2.6, order=5, bold=True)
    found[BOUND] = Look(GREY, (0, (4, 2.5)), width=1.3, order=2)
    return found
