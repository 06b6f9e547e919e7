"""CPU of looking at many engines: python -m benchmarks.polling --help."""
