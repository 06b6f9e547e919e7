"""A minimal double-entry ledger."""
from .allocate import allocate, split_entry
from .entries import Entry, Posting, UnbalancedEntry
from .journal import Journal
from .money import format_amount, round_amount, to_amount

__all__ = [
    "Entry", "Journal", "Posting", "UnbalancedEntry", "allocate",
    "format_amount", "round_amount", "split_entry", "to_amount",
]
