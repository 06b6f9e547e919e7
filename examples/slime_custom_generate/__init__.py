"""A generate function of your own under slime: `scripts/with-slime PATH python -m examples.slime_custom_generate`."""
