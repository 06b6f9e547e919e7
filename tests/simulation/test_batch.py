from __future__ import annotations

from tests.simulation.test_waiting_queue import make_request
from thunderagent.simulation.batch import Batch
from thunderagent.simulation.request import Request


def in_prefill(number: int, tokens: int) -> Request:
    request = make_request(number)
    request.known_tokens = request.prefill_until_tokens = tokens
    return request


def decoding(number: int, tokens: int) -> Request:
    request = in_prefill(number, tokens)
    request.computed_tokens = tokens
    request.known_tokens += 1
    return request


def test_a_decoding_request_gets_one_token_and_reads_its_context() -> None:
    batch = Batch(10)

    assert batch.take(decoding(0, 20)) == 1
    assert batch.sizes() == (0, 21)


def test_a_prefill_gets_what_the_budget_leaves() -> None:
    batch = Batch(10)
    batch.take(decoding(0, 20))

    assert batch.take(in_prefill(1, 20)) == 9
    assert batch.budget_tokens == 0
    assert batch.sizes() == (9, 21)


def test_what_is_taken_back_leaves_its_tokens_to_others() -> None:
    batch, request = Batch(10), in_prefill(0, 8)
    batch.take(request)
    batch.take_back(request)

    assert batch.budget_tokens == 10
    assert batch.sizes() == (0, 0)
    assert batch.preempted == [request]


def test_one_that_was_not_served_yet_can_be_preempted_too() -> None:
    batch = Batch(10)
    batch.take_back(in_prefill(0, 8))

    assert batch.budget_tokens == 10
