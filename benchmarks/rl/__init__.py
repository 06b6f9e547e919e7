"""What thunderagent does to training steps of SkyRL and of slime, and what it costs them: ``python -m benchmarks.rl``."""
