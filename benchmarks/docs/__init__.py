"""What a newcomer meets: the documentation site, installing, importing, the examples."""
