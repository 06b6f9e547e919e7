"""Entries and their postings."""
from dataclasses import dataclass
from decimal import Decimal


class UnbalancedEntry(ValueError):
    """The debits and credits of an entry do not add up."""


@dataclass(frozen=True)
class Posting:
    """An amount on one account: a debit if positive, a credit if negative."""

    account: str
    amount: Decimal

    def __post_init__(self):
        if not self.account:
            raise ValueError("a posting needs an account")
        if not isinstance(self.amount, Decimal):
            raise TypeError(f"not a Decimal: {self.amount!r}")


@dataclass(frozen=True)
class Entry:
    """Postings that belong together."""

    text: str
    postings: tuple[Posting, ...]

    @property
    def difference(self):
        """Return the sum of all postings, which should be zero."""
        return sum((posting.amount for posting in self.postings), Decimal(0))

    def check(self):
        """Raise UnbalancedEntry if the postings do not add up to zero."""
        if len(self.postings) < 2:
            raise UnbalancedEntry(f"{self.text}: an entry has at least two postings")
        if self.difference:
            raise UnbalancedEntry(
                f"{self.text}: debits and credits differ by {abs(self.difference)}"
            )
