import unittest

from laterqueue import JobQueue, ManualClock, Worker


class CancelAndSubmitAgain(unittest.TestCase):
    def setUp(self):
        self.clock = ManualClock()
        self.queue = JobQueue(self.clock)

    def drain(self, until=200, step=5):
        """(time, payload) of all jobs that come out while time passes."""
        found = []
        while self.clock.now() <= until:
            while (job := self.queue.pop()) is not None:
                found.append((self.clock.now(), job.payload))
            self.clock.advance(step)
        return found

    def replace(self, key, delays):
        for number, delay in enumerate(delays):
            if number:
                self.assertTrue(self.queue.cancel(key))
            self.queue.submit(key, f"{key}{number}", delay=delay)

    def test_new_one_is_earlier(self):
        self.replace("a", [60, 10])
        self.assertEqual(self.drain(), [(10, "a1")])
        self.assertEqual(len(self.queue), 0)

    def test_new_one_is_later(self):
        self.replace("a", [10, 60])
        self.assertEqual(self.drain(), [(60, "a1")])

    def test_several_times(self):
        self.replace("a", [60, 10, 40, 20])
        self.replace("b", [5, 5, 5])
        self.assertEqual(self.drain(), [(5, "b2"), (20, "a3")])

    def test_cancel_for_good(self):
        self.replace("a", [60, 10])
        self.assertTrue(self.queue.cancel("a"))
        self.assertEqual(len(self.queue), 0)
        self.assertIsNone(self.queue.seconds_until_next())
        self.assertEqual(self.drain(), [])

    def test_ready_jobs(self):
        self.queue.submit("a", "old", priority=9)
        self.assertEqual(self.queue.seconds_until_next(), 0)
        self.queue.cancel("a")
        self.queue.submit("a", "new", priority=1)
        self.queue.submit("b", "b", priority=5)
        self.assertEqual(self.drain(), [(0, "b"), (0, "new")])

    def test_old_entry_does_not_touch_a_later_job(self):
        self.replace("a", [60, 10])
        self.clock.advance(10)
        self.assertEqual(self.queue.pop().payload, "a1")
        self.queue.submit("a", "third", delay=90)
        self.clock.advance(50)
        self.assertIsNone(self.queue.pop())
        self.assertIn("a", self.queue)
        self.assertEqual(self.queue.seconds_until_next(), 40)
        self.assertEqual(self.drain(), [(100, "third")])

    def test_seconds_until_next(self):
        self.replace("a", [60, 10])
        self.assertEqual(self.queue.seconds_until_next(), 10)
        self.queue.cancel("a")
        self.queue.submit("a", delay=90)
        self.assertEqual(self.queue.seconds_until_next(), 90)

    def test_equal_jobs(self):
        self.queue.submit("a", "same", delay=10)
        self.queue.cancel("a")
        self.queue.submit("a", "same", delay=10)
        self.assertEqual(self.drain(), [(10, "same")])

    def test_retry_of_a_cancelled_job(self):
        def handler(payload):
            raise RuntimeError(payload)

        worker = Worker(self.queue, handler, max_attempts=2, backoff=10)
        self.queue.submit("a", "x")
        worker.run_due()
        self.queue.cancel("a")
        self.queue.submit("a", "y", delay=20)
        self.clock.advance(10)
        self.assertEqual(worker.run_due(), 0)
        self.assertEqual(worker.failed, [])
        self.assertEqual(self.queue.seconds_until_next(), 10)


if __name__ == "__main__":
    unittest.main()
