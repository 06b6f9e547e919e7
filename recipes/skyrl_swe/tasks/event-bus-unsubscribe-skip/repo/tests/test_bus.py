import unittest

from signalbox import DispatchError, EventBus


class BusTest(unittest.TestCase):
    def setUp(self):
        self.bus = EventBus()
        self.seen = []

    def note(self, name):
        return lambda event: self.seen.append(name)

    def test_order(self):
        self.bus.subscribe("t", self.note("low"), priority=-1)
        self.bus.subscribe("t", self.note("a"))
        self.bus.subscribe("t", self.note("b"))
        self.bus.subscribe("t", self.note("high"), priority=5)
        self.bus.publish("t")
        self.assertEqual(self.seen, ["high", "a", "b", "low"])

    def test_patterns(self):
        self.bus.subscribe("file.*", self.note("any"))
        self.bus.subscribe("file.saved", self.note("saved"))
        self.bus.publish("file.opened")
        self.assertEqual(self.seen, ["any"])

    def test_cancel_between_events(self):
        token = self.bus.subscribe("t", self.note("a"))
        token.cancel()
        token.cancel()
        self.bus.publish("t")
        self.assertEqual((self.seen, self.bus.handler_count("t")), ([], 0))

    def test_once(self):
        self.bus.subscribe("t", self.note("a"), once=True)
        self.bus.publish("t")
        self.bus.publish("t")
        self.assertEqual(self.seen, ["a"])

    def test_subscribed_during_dispatch(self):
        self.bus.subscribe("t", lambda event: self.bus.subscribe("t", self.note("late")), once=True)
        self.bus.publish("t")
        self.assertEqual(self.seen, [])
        self.bus.publish("t")
        self.assertEqual(self.seen, ["late"])

    def test_stop(self):
        self.bus.subscribe("t", lambda event: event.stop())
        self.bus.subscribe("t", self.note("never"))
        self.assertTrue(self.bus.publish("t").stopped)
        self.assertEqual(self.seen, [])

    def test_errors_are_collected(self):
        self.bus.subscribe("t", lambda event: event["missing"])
        self.bus.subscribe("t", self.note("still"))
        with self.assertRaises(DispatchError) as caught:
            self.bus.publish("t", x=1)
        self.assertIsInstance(caught.exception.errors[0], KeyError)
        self.assertEqual(self.seen, ["still"])
