import unittest

from persist import Constant, Exponential, Linear, Policy, Retrier, retry


class Flaky:
    """Fails a number of times, then returns its arguments."""

    def __init__(self, failures, error=ConnectionError):
        self.failures = failures
        self.error = error
        self.calls = 0

    def __call__(self, *args, **kwargs):
        self.calls += 1
        if self.calls <= self.failures:
            raise self.error(f"failure {self.calls}")
        return args, kwargs


class RetrierTest(unittest.TestCase):
    def setUp(self):
        self.waited = []

    def retrier(self, **options):
        return Retrier(sleep=self.waited.append, **options)

    def test_success_after_failures(self):
        flaky = Flaky(2)
        result = self.retrier(attempts=3, backoff=Exponential(1)).call(flaky, 1, a=2)
        self.assertEqual(result, ((1,), {"a": 2}))
        self.assertEqual(self.waited, [1, 2])

    def test_last_error_is_raised(self):
        with self.assertRaisesRegex(ConnectionError, "failure 3"):
            self.retrier(attempts=3, backoff=Constant(5)).call(Flaky(9))
        self.assertEqual(self.waited, [5, 5])

    def test_other_errors(self):
        flaky = Flaky(1, KeyError)
        with self.assertRaises(KeyError):
            self.retrier(on=ConnectionError).call(flaky)
        self.assertEqual((flaky.calls, self.waited), (1, []))

    def test_give_up(self):
        flaky = Flaky(5)
        with self.assertRaises(ConnectionError):
            self.retrier(attempts=5, give_up=lambda error: "2" in str(error)).call(flaky)
        self.assertEqual(flaky.calls, 2)

    def test_limit(self):
        self.retrier(attempts=5, backoff=Linear(2, step=3, limit=7)).call(Flaky(4))
        self.assertEqual(self.waited, [2, 5, 7, 7])

    def test_before_wait(self):
        log = []
        retrier = self.retrier(
            backoff=Linear(1), before_wait=lambda error, attempt, delay: log.append((str(error), attempt, delay))
        )
        retrier.call(Flaky(2))
        self.assertEqual(log, [("failure 1", 1, 1), ("failure 2", 2, 2)])


class DecoratorTest(unittest.TestCase):
    def test_with_and_without_parentheses(self):
        self.assertEqual(retry(lambda x: x + 1)(1), 2)
        self.assertEqual(retry(attempts=2)(lambda x: x + 1)(1), 2)

    def test_options(self):
        waited = []
        decorated = retry(attempts=4, backoff=Linear(1), sleep=waited.append)(lambda flaky: flaky())
        decorated(Flaky(3))
        self.assertEqual(waited, [1, 2, 3])
        self.assertEqual(decorated.retrier.policy.attempts, 4)

    def test_policy(self):
        self.assertEqual(repr(Policy(2, on=[KeyError])), "Policy(attempts=2, on=(KeyError))")
        with self.assertRaises(ValueError):
            Policy(0)
