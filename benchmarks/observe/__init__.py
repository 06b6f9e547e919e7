"""What it costs to see: profiles, and what else looks at a scheduler that works."""
