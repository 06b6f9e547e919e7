"""Agents on a real engine, scheduled in every way: ``python -m benchmarks.serving --help``."""
