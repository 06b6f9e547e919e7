from __future__ import annotations

from thunderagent.simulation.spans import EvictionQueue, Holding, Span


def make_span(names: list[int], start: int = 0) -> Span:
    return Span(start, names, len(names))


def test_names_in_common_are_counted_from_the_first_on() -> None:
    span = make_span([1, 2, 3])

    assert [span.common(names) for names in ([1, 2, 3, 4], [1, 2], [1, 9, 3], [9], [])] == [3, 2, 1, 0, 0]


def test_the_parts_of_a_span_are_held_by_the_same() -> None:
    span, holding = make_span([1, 2, 3], start=5), Holding()
    span.holdings.append(holding)
    holding.spans = [make_span([0], start=4), span, make_span([9], start=8)]
    tail = span.cut(2)

    assert (span.start, span.names, span.size) == (5, [1, 2], 2)
    assert (tail.start, tail.names, tail.size) == (7, [3], 1)
    assert holding.spans[1:3] == [span, tail]
    assert tail.holdings == [holding]


def test_the_tail_of_a_span_that_is_cut_is_evicted_before_its_head() -> None:
    queue, spans = EvictionQueue(), [make_span([1, 2]), make_span([3, 4]), make_span([5, 6])]
    for span in spans:
        queue.append(span)
    tail = spans[1].cut(1)

    assert list(queue) == [spans[0], tail, spans[1], spans[2]]


def test_a_queue_is_left_and_entered_anywhere() -> None:
    queue, (first, second, third) = EvictionQueue(), (make_span([1]), make_span([2]), make_span([3]))
    queue.append(first)
    queue.append(second)
    queue.prepend(third)
    queue.remove(first)

    assert list(queue) == [third, second]
    assert queue.first is third
