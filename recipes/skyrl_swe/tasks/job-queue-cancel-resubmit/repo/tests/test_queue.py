import unittest

from laterqueue import DuplicateJob, JobQueue, ManualClock, Worker


class QueueTest(unittest.TestCase):
    def setUp(self):
        self.clock = ManualClock()
        self.queue = JobQueue(self.clock)

    def keys(self):
        result = []
        while (job := self.queue.pop()) is not None:
            result.append(job.key)
        return result

    def test_priority_then_submission(self):
        self.queue.submit("a")
        self.queue.submit("b", priority=2)
        self.queue.submit("c", priority=2)
        self.assertEqual(self.keys(), ["b", "c", "a"])

    def test_delay(self):
        self.queue.submit("late", delay=30)
        self.queue.submit("now")
        self.assertEqual(self.keys(), ["now"])
        self.assertEqual(self.queue.seconds_until_next(), 30)
        self.clock.advance(30)
        self.assertEqual(self.keys(), ["late"])

    def test_key_is_unique_while_pending(self):
        self.queue.submit("a")
        with self.assertRaises(DuplicateJob):
            self.queue.submit("a")
        self.queue.pop()
        self.queue.submit("a")

    def test_cancel(self):
        self.queue.submit("a", delay=5)
        self.queue.submit("b", delay=9)
        self.assertTrue(self.queue.cancel("a"))
        self.assertFalse(self.queue.cancel("a"))
        self.assertEqual(len(self.queue), 1)
        self.assertEqual(self.queue.seconds_until_next(), 9)
        self.clock.advance(10)
        self.assertEqual(self.keys(), ["b"])


class WorkerTest(unittest.TestCase):
    def test_retry_with_backoff(self):
        clock = ManualClock()
        queue = JobQueue(clock)
        calls = []

        def handler(payload):
            calls.append((clock.now(), payload))
            raise RuntimeError("no connection")

        worker = Worker(queue, handler, max_attempts=3, backoff=10)
        queue.submit("mail", "hello")
        for _ in range(5):
            worker.run_due()
            clock.advance(10)
        self.assertEqual([when for when, _ in calls], [0, 10, 30])
        self.assertEqual([job.attempt for job, _ in worker.failed], [3])


if __name__ == "__main__":
    unittest.main()
