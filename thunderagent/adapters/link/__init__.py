"""One scheduler, several gateway processes: what they tell each other."""
