"""thunderagent schedules programs (whole agent runs), not requests: the KV cache of those that matter stays resident."""

__version__ = "0.1.0"
