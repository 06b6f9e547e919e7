from __future__ import annotations

from itertools import combinations

from thunderagent.study.report.palette import POLICIES, STATES, looks


def luminance(colour: str) -> float:
    channels = [int(colour[index : index + 2], 16) / 255 for index in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: str, other: str) -> float:
    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


def test_a_policy_has_the_same_look_whoever_else_is_there() -> None:
    assert looks(["tr", "mine"])["tr"] == looks(["mine", "thunder", "tr"])["tr"]


def test_forty_policies_can_be_drawn_and_twenty_of_them_told_apart() -> None:
    found = looks([f"policy-{index}" for index in range(40)])

    assert all(f"policy-{index}" in found for index in range(40))
    assert len({(found[f"policy-{index}"].colour, str(found[f"policy-{index}"].dash)) for index in range(20)}) == 20


def test_lines_are_seen_on_a_white_page_and_on_a_dark_one() -> None:
    for colour in POLICIES.values():
        assert contrast(colour, "#ffffff") > 2.8
        assert contrast(colour, "#15181d") > 2.8


def test_thunder_and_the_states_differ_in_lightness_and_not_only_in_hue() -> None:
    assert luminance(STATES["tool"]) - luminance(STATES["reasoning"]) > 0.2
    assert luminance(STATES["paused"]) - luminance(STATES["queued"]) > 0.2
    assert all(one != other for one, other in combinations(STATES.values(), 2))
