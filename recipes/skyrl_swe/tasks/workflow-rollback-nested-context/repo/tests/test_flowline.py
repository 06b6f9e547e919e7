import unittest

from flowline import ActionFailed, DefinitionError, NotAllowed, Workflow


def fail(ctx):
    raise RuntimeError("no carrier")


def order(**options):
    return (
        Workflow("order", initial="new", defaults={"items": []})
        .state("new").state("paid", **options).state("closed", final=True)
        .transition("pay", "new", "paid", guard=lambda ctx: bool(ctx["items"]))
        .transition("close", "paid", "closed")
    )


class FireTest(unittest.TestCase):
    def test_happy_path(self):
        instance = order().start({"items": ["book"]})
        self.assertEqual(instance.available(), ["pay"])
        instance.fire("pay")
        instance.fire("close")
        self.assertTrue(instance.finished)
        self.assertEqual([str(e) for e in instance.history], ["new --pay--> paid", "paid --close--> closed"])

    def test_guard(self):
        instance = order().start()
        with self.assertRaises(NotAllowed):
            instance.fire("pay")
        self.assertEqual(instance.available(), [])

    def test_failing_action_keeps_state_and_history(self):
        instance = order(on_enter=fail).start({"items": ["book"]})
        with self.assertRaises(ActionFailed) as caught:
            instance.fire("pay")
        self.assertEqual(caught.exception.step, "on_enter")
        self.assertIsInstance(caught.exception.__cause__, RuntimeError)
        self.assertEqual((instance.state, len(instance.history)), ("new", 0))

    def test_order_of_calls(self):
        calls = []
        flow = (
            Workflow("w", initial="a")
            .state("a", on_exit=lambda ctx: calls.append("exit"))
            .state("b", on_enter=lambda ctx: calls.append("enter"))
            .transition("go", "a", "b", action=lambda ctx: calls.append("action"))
        )
        flow.start().fire("go")
        self.assertEqual(calls, ["exit", "action", "enter"])


class DefinitionTest(unittest.TestCase):
    def test_defaults_are_not_shared(self):
        flow = order()
        flow.start().context["items"].append("book")
        self.assertEqual(flow.start().context, {"items": []})

    def test_mistakes(self):
        with self.assertRaises(DefinitionError):
            order().transition("back", "closed", "new")
        with self.assertRaises(DefinitionError):
            order().state("new")


if __name__ == "__main__":
    unittest.main()
