import unittest

from spigot import FakeClock, RateLimiter


class RefillTest(unittest.TestCase):
    def run_polling(self, step, count, rate="60/minute", burst=2):
        clock = FakeClock()
        limiter = RateLimiter(rate, burst=burst, clock=clock)
        limiter.allow("a", burst)
        allowed = 0
        for _ in range(count):
            clock.advance(step)
            allowed += limiter.allow("a").allowed
        return allowed

    def test_polling_faster_than_the_rate(self):
        self.assertEqual(self.run_polling(0.25, 40), 10)
        self.assertEqual(self.run_polling(0.5, 20), 10)
        self.assertEqual(self.run_polling(0.75, 40), 30)
        self.assertEqual(self.run_polling(0.875, 40), 35)

    def test_other_rates(self):
        self.assertEqual(self.run_polling(0.125, 80, "4/second"), 40)
        self.assertEqual(self.run_polling(7.5, 80, "1/minute"), 10)

    def test_rest_of_an_interval_is_kept(self):
        clock = FakeClock()
        limiter = RateLimiter("60/minute", burst=50, clock=clock)
        limiter.allow("a", 50)
        for expected in (1, 3, 4, 6, 7, 9):
            clock.advance(1.5)
            self.assertEqual(limiter.peek("a"), expected)

    def test_peek_has_no_influence(self):
        clock = FakeClock()
        limiter = RateLimiter("60/minute", burst=5, clock=clock)
        limiter.allow("a", 5)
        for _ in range(13):
            clock.advance(0.25)
            limiter.peek("a")
        self.assertEqual(limiter.peek("a"), 3)

    def test_not_too_early(self):
        clock = FakeClock()
        limiter = RateLimiter("60/minute", burst=2, clock=clock)
        limiter.allow("a", 2)
        clock.advance(0.75)
        self.assertFalse(limiter.allow("a").allowed)
        self.assertEqual(limiter.peek("a"), 0)

    def test_full_bucket_collects_no_time(self):
        clock = FakeClock()
        limiter = RateLimiter("60/minute", burst=2, clock=clock)
        limiter.allow("a")
        clock.advance(10.75)
        self.assertTrue(limiter.allow("a", 2).allowed)
        clock.advance(0.75)
        self.assertFalse(limiter.allow("a").allowed)
        clock.advance(0.25)
        self.assertTrue(limiter.allow("a").allowed)

    def test_retry_after(self):
        clock = FakeClock()
        limiter = RateLimiter("60/minute", burst=2, clock=clock)
        limiter.allow("a", 2)
        clock.advance(0.25)
        self.assertAlmostEqual(limiter.allow("a").retry_after, 0.75)
        clock.advance(0.25)
        self.assertAlmostEqual(limiter.allow("a", 2).retry_after, 1.5)

    def test_whole_tokens_and_capacity(self):
        clock = FakeClock()
        limiter = RateLimiter("60/minute", burst=3, clock=clock)
        limiter.allow("a", 3)
        clock.advance(1.5)
        remaining = limiter.allow("a").remaining
        self.assertEqual((remaining, type(remaining)), (0, int))
        clock.advance(600)
        self.assertEqual(limiter.allow("a").headers()["RateLimit-Remaining"], "2")

    def test_clock_going_backwards(self):
        clock = FakeClock(100)
        limiter = RateLimiter("60/minute", burst=2, clock=clock)
        limiter.allow("a", 2)
        clock.advance(-50)
        self.assertFalse(limiter.allow("a").allowed)
        clock.advance(51)
        self.assertTrue(limiter.allow("a").allowed)


if __name__ == "__main__":
    unittest.main()
