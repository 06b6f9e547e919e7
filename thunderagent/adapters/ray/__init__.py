"""The scheduler and its gateways on a Ray cluster."""
