"""slime: its rollout hooks, scheduled."""
