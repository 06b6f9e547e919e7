"""A scheduler and gateways in a Ray cluster, or in a small one of this machine, with embedded engines where there is no GPU."""
