"""A SkyRL project with a generator of its own: `python -m examples.skyrl_custom_generator`."""
