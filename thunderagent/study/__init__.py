"""Studies: what a policy would give on a workload, simulated over loads and seeds, kept as data, and shown."""
