"""How close the engine model is to real engines: ``python -m benchmarks.fidelity --help``."""
