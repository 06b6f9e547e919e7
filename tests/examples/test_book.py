"""The book and the simulated model that reads it."""

from __future__ import annotations

from examples.book import MAX_TURNS, Reader, book, page_of, prompt, score


def attempt(reader: Reader, number: int) -> tuple[int, str]:
    """How many turns it took, and what was said at last."""
    text = prompt(number)[0]["content"]
    for turn in range(1, MAX_TURNS + 1):
        said = reader.answer(text, None)
        page = page_of(number, said)
        if page is None:
            return turn, said
        text += f"\n{said}\n{page}\n"
    return MAX_TURNS, ""


def test_attempts_end_with_the_word_or_another_and_are_the_same_ones_again() -> None:
    numbers = [0, 0, 0, 0, 1, 1, 1, 1]
    first, again = Reader(0), Reader(0)
    ends = [attempt(first, number) for number in numbers]
    assert ends == [attempt(again, number) for number in numbers]
    assert {score(number, said) for number, (_, said) in zip(numbers, ends, strict=True)} == {0.0, 1.0}
    assert len(set(ends)) > 2
    assert all(turns < MAX_TURNS for turns, _ in ends)


def test_the_right_word_is_found_among_special_tokens_and_the_last_one_counts() -> None:
    word = book(3).word
    assert score(3, f"ANSWER {word}<|im_end|>") == 1
    assert score(3, f"ANSWER {word} ANSWER no") == 0
    assert score(3, "I do not know") == 0


def test_a_page_that_is_not_there_is_answered_in_words() -> None:
    assert "a page from 0 to 39" in str(page_of(0, "READ 99"))
    assert "a page from 0 to 39" in str(page_of(0, "What now?"))
