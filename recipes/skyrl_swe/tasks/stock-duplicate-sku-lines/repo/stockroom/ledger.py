"""Counts of what is on hand and what is held, for each article."""

from .errors import UnknownSku


class Ledger:
    """Bookkeeping without judgement: callers check amounts beforehand."""

    def __init__(self, on_hand):
        self._on_hand = dict(on_hand)
        self._held = dict.fromkeys(self._on_hand, 0)

    def skus(self):
        return sorted(self._on_hand)

    def on_hand(self, sku):
        self._require(sku)
        return self._on_hand[sku]

    def held(self, sku):
        self._require(sku)
        return self._held[sku]

    def available(self, sku):
        """What can still be promised to a customer."""
        self._require(sku)
        return self._on_hand[sku] - self._held[sku]

    def receive(self, sku, quantity):
        """Add delivered goods; a new article is listed by this."""
        self._on_hand[sku] = self._on_hand.get(sku, 0) + quantity
        self._held.setdefault(sku, 0)

    def hold(self, sku, quantity):
        self._require(sku)
        self._held[sku] += quantity

    def release(self, sku, quantity):
        self._require(sku)
        self._held[sku] -= quantity

    def ship(self, sku, quantity):
        """Take held goods out of the stock."""
        self.release(sku, quantity)
        self._on_hand[sku] -= quantity

    def _require(self, sku):
        if sku not in self._on_hand:
            raise UnknownSku(sku)
