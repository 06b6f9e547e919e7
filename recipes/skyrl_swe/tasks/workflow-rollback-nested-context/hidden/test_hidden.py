import copy
import unittest

from flowline import ActionFailed, NotAllowed, Workflow


class Carrier:
    """Fails a given number of times."""

    def __init__(self, failures):
        self.failures = failures

    def __call__(self, ctx):
        if self.failures:
            self.failures -= 1
            raise RuntimeError("no carrier")


def charge(ctx):
    ctx["charged"] = ctx.get("charged", 0) + 40
    ctx.setdefault("reserved", []).append("book")
    ctx.get("customer", {}).setdefault("log", []).append("charged")
    ctx.pop("draft", None)


def flow(failures=1, **state):
    return (
        Workflow("order", initial="new")
        .state("new", **state).state("shipped", on_enter=Carrier(failures))
        .transition("ship", "new", "shipped", action=charge)
    )


class Atomic(unittest.TestCase):
    def fail(self, instance):
        before = copy.deepcopy(instance.context)
        with self.assertRaises(ActionFailed) as caught:
            instance.fire("ship")
        self.assertEqual(instance.context, before)
        self.assertEqual(instance.state, "new")
        self.assertEqual(len(instance.history), 0)
        return caught.exception

    def test_flat_values(self):
        instance = flow().start({"total": 40, "draft": True})
        self.assertIsInstance(self.fail(instance).__cause__, RuntimeError)

    def test_nested_values(self):
        self.fail(flow().start({"reserved": ["pen"], "customer": {"name": "Ada", "log": ["created"]}}))

    def test_changes_of_on_exit(self):
        instance = flow(on_exit=lambda ctx: ctx["steps"][0].append("exit")).start({"steps": [[]]})
        self.fail(instance)

    def test_retries(self):
        instance = flow(failures=3).start({"reserved": []})
        for _ in range(3):
            self.fail(instance)
        instance.fire("ship")
        self.assertEqual(instance.context, {"charged": 40, "reserved": ["book"]})
        self.assertEqual(instance.state, "shipped")
        self.assertEqual(len(instance.history), 1)

    def test_success_keeps_changes(self):
        instance = flow(failures=0).start({"customer": {}})
        instance.fire("ship")
        self.assertEqual(instance.context["customer"], {"log": ["charged"]})

    def test_not_allowed_during_a_transition(self):
        seen = []

        def again(ctx):
            try:
                instance.fire("ship")
            except NotAllowed as error:
                seen.append(error.event)

        instance = flow(failures=0, on_exit=again).start()
        instance.fire("ship")
        self.assertEqual(seen, ["ship"])
        self.assertEqual(instance.state, "shipped")


if __name__ == "__main__":
    unittest.main()
