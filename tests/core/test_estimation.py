"""Only new text is estimated; what the engine counted is kept exactly."""

from __future__ import annotations

from tests.core.driver import Driver
from thunderagent.core import ThunderPolicy
from thunderagent.core.estimation import CHARACTERS_PER_TOKEN, IMAGE_TOKENS


def driver() -> Driver:
    return Driver(ThunderPolicy(), a=1_000_000)


def test_a_first_prompt_is_estimated_by_the_global_ratio_and_images_by_their_number() -> None:
    d = driver()
    d.arrive("p", None, prompt_characters=4_000, prompt_images=2)
    assert d.program("p").context_tokens == 4_000 / CHARACTERS_PER_TOKEN + 2 * IMAGE_TOKENS


def test_only_what_is_new_since_the_last_exact_count_is_estimated() -> None:
    """Defect 9: the estimate of the whole context overwrote exact usage every turn."""
    d = driver()
    turn = d.arrive("p", None, prompt_characters=4_000)
    d.end(turn, prompt=2_000, completion=100)
    assert d.program("p").context_tokens == 2_100
    d.arrive("p", None, prompt_characters=4_400)
    own_ratio = (500 * d.scheduler._state.estimator.characters_per_token + 4_000) / 2_500
    assert d.program("p").context_tokens == 2_000 + round(400 / own_ratio)


def test_a_context_that_was_cut_is_estimated_anew() -> None:
    d = driver()
    d.end(d.arrive("p", None, prompt_characters=40_000), prompt=10_000)
    d.arrive("p", None, prompt_characters=400)
    assert 90 < d.program("p").context_tokens < 110


def test_the_global_ratio_follows_what_all_programs_show_and_new_ones_start_with_it() -> None:
    d = driver()
    for i in range(300):
        d.end(d.arrive(f"p{i}", None, prompt_characters=6_000), prompt=2_000)
    d.arrive("new", None, prompt_characters=3_000)
    assert abs(d.program("new").context_tokens - 1_000) < 10


def test_prompts_with_images_teach_nothing_about_text() -> None:
    d = driver()
    d.end(d.arrive("p", None, prompt_characters=100, prompt_images=1), prompt=5_000)
    assert d.scheduler._state.estimator.characters_per_token == CHARACTERS_PER_TOKEN
    d.arrive("p", None, prompt_characters=500, prompt_images=2)
    assert d.program("p").context_tokens == 5_000 + 100 + IMAGE_TOKENS


def test_an_exact_prompt_is_taken_as_it_is() -> None:
    d = driver()
    d.end(d.arrive("p", 1_234), prompt=1_234, completion=6)
    d.arrive("p", 1_300)
    assert d.program("p").context_tokens == 1_300


def test_a_shared_start_whose_text_alone_is_known_is_estimated_and_counted_once() -> None:
    d = driver()
    for name in ("p", "q"):
        d.arrive(name, None, prompt_characters=8_000, prefix="system", prefix_characters=6_000)
    assert d.program("p").shared_tokens == d.program("q").shared_tokens == 6_000 / CHARACTERS_PER_TOKEN
    assert d.scheduler.ledger.backends["a"].shared_tokens == 6_000 / CHARACTERS_PER_TOKEN


def test_tokens_of_a_shared_start_that_are_given_are_not_estimated() -> None:
    d = driver()
    d.arrive("p", 2_000, prefix="system", prefix_tokens=700, prefix_characters=6_000)
    assert d.program("p").shared_tokens == 700


def test_two_estimates_of_a_start_may_differ_a_little_and_it_is_still_shared() -> None:
    d = driver()
    d.arrive("p", None, prompt_characters=6_000, prefix="system", prefix_characters=5_900)
    for i in range(50):
        d.end(d.arrive(f"long words {i}", None, prompt_characters=5_000), prompt=1_000)
    d.arrive("q", None, prompt_characters=6_000, prefix="system", prefix_characters=5_900)
    d.arrive("another text", None, prompt_characters=3_000, prefix="system", prefix_characters=2_900)
    shared = d.program("p").shared_tokens
    assert d.program("q").context_tokens == d.program("q").shared_tokens == shared
    assert d.program("another text").shared_tokens == 0
