"""thunderagent schedules programs (whole agent runs), not requests, so that the KV cache of the programs that matter stays resident."""

__version__ = "0.1.0"
