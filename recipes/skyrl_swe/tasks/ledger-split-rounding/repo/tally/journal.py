"""The journal."""
from collections import defaultdict
from decimal import Decimal

from .entries import Entry
from .money import format_amount


class Journal:
    """All entries, in the order in which they were posted."""

    def __init__(self):
        self._entries = []

    def __len__(self):
        return len(self._entries)

    def post(self, entry):
        """Add an entry after checking that it is balanced."""
        if not isinstance(entry, Entry):
            raise TypeError(f"not an entry: {entry!r}")
        entry.check()
        self._entries.append(entry)

    def balances(self):
        """Return the balance of each account, sorted by name."""
        totals = defaultdict(Decimal)
        for entry in self._entries:
            for posting in entry.postings:
                totals[posting.account] += posting.amount
        return dict(sorted(totals.items()))

    def balance(self, account):
        """Return the balance of one account."""
        return self.balances().get(account, Decimal(0))

    def trial_balance(self, places=2):
        """Return a report with one line for each account and a line for the sum."""
        balances = self.balances()
        width = max([len(name) for name in balances] + [5])
        lines = [f"{name:<{width}} {format_amount(value, places):>14}" for name, value in balances.items()]
        total = sum(balances.values(), Decimal(0))
        lines.append(f"{'total':<{width}} {format_amount(total, places):>14}")
        return "\n".join(lines)
