"""Plain data that is passed around."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Line:
    """One line of an order."""

    sku: str
    quantity: int

    def __post_init__(self):
        if self.quantity < 1:
            raise ValueError(f"{self.sku}: quantity must be at least 1")


@dataclass(frozen=True)
class Reservation:
    """Articles that are held for an order until a point in time."""

    order_id: str
    lines: tuple
    expires_at: float

    def is_expired(self, now):
        """A reservation is still valid in the second in which it expires."""
        return now > self.expires_at
