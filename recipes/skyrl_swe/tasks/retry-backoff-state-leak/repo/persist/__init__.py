"""persist: call again what may work the next time."""

from .backoff import Backoff, Constant, Exponential, Linear
from .decorator import retry
from .policy import Policy
from .retrier import Retrier

__all__ = ["Backoff", "Constant", "Exponential", "Linear", "Policy", "Retrier", "retry"]
