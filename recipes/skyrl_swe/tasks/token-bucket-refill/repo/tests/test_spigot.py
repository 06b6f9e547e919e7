import unittest

from spigot import FakeClock, Rate, RateLimiter


class RateTest(unittest.TestCase):
    def test_parse(self):
        self.assertEqual(Rate.parse("100/minute"), Rate(100, 60))
        self.assertEqual(Rate.parse("10 / 15 minutes"), Rate(10, 900))
        self.assertEqual(Rate.parse("5/second").interval, 0.2)

    def test_bad_rates(self):
        for text in ("", "5", "0/second", "5/fortnight"):
            with self.assertRaises(ValueError):
                Rate.parse(text)


class LimiterTest(unittest.TestCase):
    def setUp(self):
        self.clock = FakeClock(100.0)
        self.limiter = RateLimiter("60/minute", burst=2, clock=self.clock)

    def test_burst_and_refill(self):
        self.assertEqual([self.limiter.allow("a").allowed for _ in range(3)], [True, True, False])
        self.clock.advance(1)
        self.assertEqual([self.limiter.allow("a").allowed for _ in range(2)], [True, False])

    def test_clients_are_separate(self):
        self.limiter.allow("a", 2)
        self.assertEqual((self.limiter.peek("a"), self.limiter.peek("b")), (0, 2))

    def test_never_more_than_the_burst(self):
        self.limiter.allow("a")
        self.clock.advance(3600)
        self.assertEqual(self.limiter.peek("a"), 2)

    def test_decision(self):
        decision = self.limiter.allow("a", 2)
        self.assertEqual((decision.remaining, decision.retry_after), (0, 0.0))
        refused = self.limiter.allow("a")
        self.assertEqual(refused.retry_after, 1.0)
        self.assertEqual(refused.headers()["Retry-After"], "1")
        self.assertIsNone(self.limiter.allow("a", 3).retry_after)

    def test_forget_idle(self):
        self.limiter.allow("a")
        self.clock.advance(1)
        self.limiter.allow("b")
        self.assertEqual(self.limiter.forget_idle(), 1)
        self.assertEqual(len(self.limiter), 1)


if __name__ == "__main__":
    unittest.main()
