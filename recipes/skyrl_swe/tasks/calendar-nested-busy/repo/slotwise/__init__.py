"""Find the times at which several people are free."""
from .agenda import Agenda, AgendaError, Event, parse_agenda, parse_time
from .merge import merge_spans, total_minutes
from .slots import find_slots, free_spans
from .span import Span

__all__ = [
    "Agenda", "AgendaError", "Event", "Span", "find_slots", "free_spans",
    "merge_spans", "parse_agenda", "parse_time", "total_minutes",
]
