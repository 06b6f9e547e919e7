"""What stands in for a model: it repairs the shop's prices with the help of two colleagues."""

from __future__ import annotations

from examples.scripted import Conversation, Scripted, call

RULES, TEST = "Find out in the handbook", "Write tests/test_rounding.py"
"""How the tasks of the colleagues begin."""
DELEGATED = (
    f"{RULES} (index.html) how amounts are to be rounded, and tell me the rule.",
    f"{TEST} with a test that half of 0.25 is 0.13 by shop.price.total, run it, and tell me what it says.",
)
OLD = """\
    amount = sum(float(price) for price in prices) * (1 - discount_percent / 100)
    return f"{amount:.2f}"
"""
NEW = """\
    amount = sum(map(Decimal, prices), Decimal()) * (100 - discount_percent) / 100
    return str(amount.quantize(Decimal("0.01"), ROUND_HALF_UP))
"""
IMPORTS = "from collections.abc import Sequence\n"
WRITE_TEST = """\
cat > tests/test_rounding.py <<'END'
import unittest

from shop.price import total


class RoundingTest(unittest.TestCase):
    def test_half_a_cent_is_rounded_up(self):
        self.assertEqual(total(["0.25"], 50), "0.13")
END
python3 -m unittest -q tests.test_rounding 2>&1 | tail -n 5"""
RUN_TESTS = "python3 -m unittest discover -q -s tests -t . 2>&1"

SCRIPTS = {
    RULES: (
        call("browse", page="index.html"),
        f"The handbook has a page on amounts.\n{call('browse', page='amounts.html')}",
        "Amounts are decimal, rounded once at the end, half a cent up: half of 0.25 is 0.13.",
    ),
    TEST: (
        call("view", path="shop/price.py"),
        call("bash", command=WRITE_TEST),
        "tests/test_rounding.py fails as it should: total(['0.25'], 50) gives 0.12.",
    ),
    "": (
        f"I look at the code and its tests.\n{call('view', path='shop/price.py')}\n{call('bash', command=RUN_TESTS)}",
        f"Two things can be done at once.\n{call('delegate', tasks=list(DELEGATED))}",
        f"I use decimal numbers.\n{call('edit', path='shop/price.py', old=OLD, new=NEW)}\n"
        + call("edit", path="shop/price.py", old=IMPORTS, new=f"{IMPORTS}from decimal import ROUND_HALF_UP, Decimal\n"),
        call("bash", command=RUN_TESTS),
        "total() rounds as the handbook says, and tests/test_rounding.py holds it.",
    ),
}
"""Answers turn by turn, by how the task begins."""


def scripted() -> Scripted:
    """For the embedded engine's ``--answers``."""
    return Scripted(_say)


def _say(conversation: Conversation) -> str:
    script = next(script for begin, script in SCRIPTS.items() if conversation.task.startswith(begin))
    return script[min(conversation.turn, len(script) - 1)]
