"""Recorded traces, to be replayed: the lines of a file in, scripts out. A line that cannot be used is noted, it is no error."""

from thunderagent.simulation.traces.reading import FORMATS, Format, ImportedTrace, read_trace
from thunderagent.simulation.traces.recorded import ImportOptions

__all__ = ["FORMATS", "Format", "ImportOptions", "ImportedTrace", "read_trace"]
