"""stockroom: reserve, confirm and cancel stock."""

from .desk import Reservations
from .errors import DuplicateOrder, OutOfStock, StockError, UnknownOrder, UnknownSku
from .ledger import Ledger
from .models import Line, Reservation
from .report import stock_report

__all__ = [
    "DuplicateOrder", "Ledger", "Line", "OutOfStock", "Reservation", "Reservations",
    "StockError", "UnknownOrder", "UnknownSku", "stock_report",
]
