from __future__ import annotations

import pytest

from thunderagent.simulation.request import Request
from thunderagent.simulation.waiting_queue import WaitingQueue


def make_request(number: int, priority: int = 0) -> Request:
    return Request(str(number), prompt_tokens=1, total_tokens=2, submitted_s=0.0, number=number, priority=priority)


def order(queue: WaitingQueue) -> list[int]:
    numbers = []
    while queue:
        numbers.append(queue.first.number)
        queue.remove(queue.first)
    return numbers


def test_who_came_first_is_first_among_equals() -> None:
    queue = WaitingQueue()
    for number in (0, 1, 2):
        queue.add(make_request(number))

    assert order(queue) == [0, 1, 2]


def test_a_lower_priority_number_goes_before_an_earlier_arrival() -> None:
    queue = WaitingQueue()
    for number, priority in enumerate((1, 0, 1, -1)):
        queue.add(make_request(number, priority))

    assert order(queue) == [3, 1, 0, 2]


def test_one_that_waits_again_takes_the_place_it_had() -> None:
    queue = WaitingQueue()
    requests = [make_request(number) for number in range(4)]
    for request in requests[2:]:
        queue.add(request)
    queue.add(requests[1])
    queue.add(requests[0])

    assert order(queue) == [0, 1, 2, 3]


def test_one_in_the_middle_can_leave() -> None:
    queue = WaitingQueue()
    requests = [make_request(number) for number in range(3)]
    for request in requests:
        queue.add(request)
    queue.remove(requests[1])

    assert len(queue) == 2
    assert order(queue) == [0, 2]


def test_nobody_is_first_in_an_empty_queue() -> None:
    with pytest.raises(IndexError):
        _ = WaitingQueue().first
