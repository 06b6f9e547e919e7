"""The reservation service."""

from .errors import DuplicateOrder, OutOfStock, UnknownOrder
from .models import Reservation


class Reservations:
    """Open reservations on top of a ledger."""

    def __init__(self, ledger, hold_seconds=900):
        self.ledger = ledger
        self.hold_seconds = hold_seconds
        self._open = {}

    def reserve(self, order_id, lines, now):
        """Hold the articles of an order, all of them or none."""
        self.expire(now)
        if order_id in self._open:
            raise DuplicateOrder(order_id)
        lines = tuple(lines)
        for line in lines:
            available = self.ledger.available(line.sku)
            if line.quantity > available:
                raise OutOfStock(line.sku, line.quantity, available)
        for line in lines:
            self.ledger.hold(line.sku, line.quantity)
        reservation = Reservation(order_id, lines, now + self.hold_seconds)
        self._open[order_id] = reservation
        return reservation

    def confirm(self, order_id, now):
        """Ship the reserved goods; returns the lines for the packing list."""
        self.expire(now)
        reservation = self._take(order_id)
        for line in reservation.lines:
            self.ledger.ship(line.sku, line.quantity)
        return reservation.lines

    def cancel(self, order_id):
        """Give the reserved goods back."""
        self._release(self._take(order_id))

    def expire(self, now):
        """Release what has not been confirmed in time; returns the order ids."""
        late = [item for item in self._open.values() if item.is_expired(now)]
        for reservation in late:
            self._release(self._take(reservation.order_id))
        return [reservation.order_id for reservation in late]

    def open_orders(self):
        return sorted(self._open)

    def _take(self, order_id):
        try:
            return self._open.pop(order_id)
        except KeyError:
            raise UnknownOrder(order_id) from None

    def _release(self, reservation):
        for line in reservation.lines:
            self.ledger.release(line.sku, line.quantity)
