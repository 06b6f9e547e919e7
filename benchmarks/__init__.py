"""Measurements with goals, one module each: ``python -m benchmarks.NAME --help``. No tests: only here is time limited."""
