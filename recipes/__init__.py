"""Runnable jobs: `python -m recipes.skyrl_swe +thunder=on`."""
