"""What recipes have in common: configuration groups, Hydra, the embedded engine."""
