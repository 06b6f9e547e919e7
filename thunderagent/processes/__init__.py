"""One gateway as several processes: a scheduler, and gateways that share it."""
