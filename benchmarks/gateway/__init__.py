"""What the gateway costs, beside other proxies, in front of one fake engine: python -m benchmarks.gateway."""
