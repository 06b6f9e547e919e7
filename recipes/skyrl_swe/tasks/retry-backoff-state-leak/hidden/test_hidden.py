import unittest

from persist import Backoff, Constant, Exponential, Linear, Retrier, retry


class Flaky:
    def __init__(self, failures, error=ConnectionError):
        self.left = failures
        self.error = error

    def __call__(self):
        if self.left > 0:
            self.left -= 1
            raise self.error("down")
        return "up"


class FreshDelaysTest(unittest.TestCase):
    def setUp(self):
        self.waited = []

    def retrier(self, backoff, attempts=4, **options):
        return Retrier(attempts=attempts, backoff=backoff, sleep=self.waited.append, **options)

    def exhaust(self, retrier, failures=99, error=ConnectionError):
        with self.assertRaises(error):
            retrier.call(Flaky(failures, error))

    def test_after_giving_up(self):
        retrier = self.retrier(Exponential(1.0, factor=2.0, limit=30.0))
        self.exhaust(retrier)
        self.exhaust(retrier)
        self.assertEqual(self.waited, [1, 2, 4, 1, 2, 4])

    def test_after_success(self):
        retrier = self.retrier(Exponential(1.0))
        for _ in range(3):
            self.assertEqual(retrier.call(Flaky(2)), "up")
        self.assertEqual(self.waited, [1, 2, 1, 2, 1, 2])

    def test_after_another_error(self):
        retrier = self.retrier(Linear(1), on=ConnectionError)
        errors = [ConnectionError, ConnectionError, KeyError]

        def step():
            raise errors.pop(0)("x")
        with self.assertRaises(KeyError):
            retrier.call(step)
        self.assertEqual(retrier.call(Flaky(1)), "up")
        self.assertEqual(self.waited, [1, 2, 1])

    def test_decorator(self):
        @retry(attempts=3, backoff=Linear(1, step=2), sleep=self.waited.append)
        def fetch():
            raise ConnectionError("down")
        for _ in range(2):
            with self.assertRaises(ConnectionError):
                fetch()
        self.assertEqual(self.waited, [1, 3, 1, 3])

    def test_shared_backoff(self):
        shared = Exponential(1)
        one, two = self.retrier(shared), self.retrier(shared)
        one.call(Flaky(2))
        two.call(Flaky(2))
        one.call(Flaky(1))
        self.assertEqual(self.waited, [1, 2, 1, 2, 1])

    def test_nested_with_shared_backoff(self):
        shared = Exponential(1)
        outer, inner = self.retrier(shared), self.retrier(shared)
        flaky = Flaky(2)

        def work():
            inner.call(Flaky(2))
            return flaky()
        self.assertEqual(outer.call(work), "up")
        self.assertEqual(self.waited, [1, 2, 1, 1, 2, 2, 1, 2])

    def test_nested_in_one_retrier(self):
        retrier = self.retrier(Exponential(1))
        flaky = Flaky(2)

        def work():
            retrier.call(Flaky(1))
            return flaky()
        self.assertEqual(retrier.call(work), "up")
        self.assertEqual(self.waited, [1, 1, 1, 2, 1])

    def test_interrupted_by_sleep(self):
        class Stop(BaseException):
            pass

        delays = []

        def sleep(delay):
            delays.append(delay)
            if len(delays) == 2:
                raise Stop
        retrier = Retrier(attempts=9, backoff=Exponential(1), sleep=sleep)
        with self.assertRaises(Stop):
            retrier.call(Flaky(5))
        self.assertEqual(retrier.call(Flaky(2)), "up")
        self.assertEqual(delays, [1, 2, 1, 2])

    def test_limit_and_zero_start(self):
        retrier = self.retrier(Linear(0, step=5, limit=8))
        self.exhaust(retrier)
        self.exhaust(retrier)
        self.assertEqual(self.waited, [0, 5, 8, 0, 5, 8])

    def test_custom_backoff(self):
        class Fixed(Backoff):
            def first(self):
                return 3

            def after(self, previous):
                return previous - 1
        retrier = self.retrier(Fixed(limit=2))
        self.exhaust(retrier)
        self.exhaust(retrier)
        self.assertEqual(self.waited, [2, 1, 0, 2, 1, 0])

    def test_constant(self):
        retrier = self.retrier(Constant(7), attempts=2)
        self.exhaust(retrier)
        self.exhaust(retrier)
        self.assertEqual(self.waited, [7, 7])


if __name__ == "__main__":
    unittest.main()
