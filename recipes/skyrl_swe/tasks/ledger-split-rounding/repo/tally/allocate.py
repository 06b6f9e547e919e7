"""Splitting of amounts."""
from .entries import Entry, Posting
from .money import round_amount, to_amount, unit


def allocate(amount, weights, places=2):
    """Split an amount by weights into shares that add up to it.

    The amount must not have more decimals than the currency. Weights are
    integers or Decimals, none of them negative and at least one positive.
    """
    amount = to_amount(amount)
    weights = [to_amount(weight) for weight in weights]
    if amount != round_amount(amount, places):
        raise ValueError(f"{amount} has more than {places} decimals")
    if any(weight < 0 for weight in weights) or not any(weights):
        raise ValueError("weights must not be negative, and not all of them zero")
    total = sum(weights)
    shares = [round_amount(amount * weight / total, places) for weight in weights]
    rest = amount - sum(shares)
    step = unit(places)
    for index, weight in enumerate(weights):
        if rest <= 0:
            break
        if weight:
            shares[index] += step
            rest -= step
    return shares


def split_entry(text, source, amount, parts, places=2):
    """Return an entry that takes an amount from one account and splits it.

    `parts` maps the receiving accounts to their weights.
    """
    amount = to_amount(amount)
    shares = allocate(amount, parts.values(), places)
    postings = [Posting(account, share) for account, share in zip(parts, shares)]
    return Entry(text, (Posting(source, -amount), *postings))
