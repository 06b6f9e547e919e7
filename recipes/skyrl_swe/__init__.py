"""Agentic software-engineering rollouts under SkyRL's fully-async trainer, scheduled by thunderagent."""
