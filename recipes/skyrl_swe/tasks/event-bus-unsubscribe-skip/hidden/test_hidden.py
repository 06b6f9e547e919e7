import unittest

from signalbox import EventBus


class CancelDuringDispatchTest(unittest.TestCase):
    def setUp(self):
        self.bus = EventBus()
        self.seen = []
        self.tokens = {}

    def add(self, name, then=None, **options):
        def handler(event):
            self.seen.append(name)
            if then:
                then()
        self.tokens[name] = self.bus.subscribe("t", handler, **options)

    def publish(self):
        self.seen.clear()
        self.bus.publish("t")
        return self.seen[:]

    def test_own_cancel(self):
        self.add("a", lambda: self.tokens["a"].cancel())
        self.add("b")
        self.add("c")
        self.assertEqual(self.publish(), ["a", "b", "c"])
        self.assertEqual(self.publish(), ["b", "c"])

    def test_once_handlers_in_a_row(self):
        for name in "abcd":
            self.add(name, once=True)
        self.assertEqual(self.publish(), ["a", "b", "c", "d"])
        self.assertEqual(self.publish(), [])
        self.assertEqual(self.bus.handler_count("t"), 0)

    def test_cancelled_before_its_turn(self):
        self.add("a", lambda: self.tokens["c"].cancel())
        self.add("b")
        self.add("c")
        self.add("d")
        self.assertEqual(self.publish(), ["a", "b", "d"])

    def test_cancel_next(self):
        self.add("a", lambda: self.tokens["b"].cancel())
        self.add("b")
        self.add("c")
        self.assertEqual(self.publish(), ["a", "c"])

    def test_cancel_earlier_one(self):
        self.add("a")
        self.add("b", lambda: self.tokens["a"].cancel())
        self.add("c")
        self.add("d")
        self.assertEqual(self.publish(), ["a", "b", "c", "d"])

    def test_cancel_itself_and_a_later_one(self):
        def both():
            self.tokens["a"].cancel()
            self.tokens["c"].cancel()
        self.add("a", both)
        self.add("b")
        self.add("c")
        self.add("d")
        self.assertEqual(self.publish(), ["a", "b", "d"])

    def test_subscribed_during_dispatch_waits(self):
        self.add("a", lambda: "late" in self.tokens or self.add("late", priority=-5), once=True)
        self.add("b")
        self.assertEqual(self.publish(), ["a", "b"])
        self.assertEqual(self.publish(), ["b", "late"])

    def test_higher_priority_during_dispatch(self):
        self.add("a", lambda: "early" in self.tokens or self.add("early", priority=5), once=True)
        self.add("b")
        self.assertEqual(self.publish(), ["a", "b"])
        self.assertEqual(self.publish(), ["early", "b"])

    def test_replaced_handler(self):
        def replace():
            self.tokens["b"].cancel()
            self.add("b2")
        self.add("a", replace, once=True)
        self.add("b")
        self.add("c")
        self.assertEqual(self.publish(), ["a", "c"])
        self.assertEqual(self.publish(), ["c", "b2"])

    def test_cancel_in_nested_dispatch(self):
        def nested():
            self.tokens["a"].cancel()
            self.bus.publish("inner")
        self.add("a", nested)
        self.bus.subscribe("inner", lambda event: self.tokens["c"].cancel())
        self.add("b")
        self.add("c")
        self.add("d")
        self.assertEqual(self.publish(), ["a", "b", "d"])

    def test_once_is_not_entered_again(self):
        self.add("a", lambda: len(self.seen) < 9 and self.bus.publish("t"), once=True)
        self.add("b")
        self.assertEqual(self.publish(), ["a", "b", "b"])


if __name__ == "__main__":
    unittest.main()
