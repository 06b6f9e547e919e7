"""The gateway from the Hydra groups that recipes use, with the embedded engine where there is no GPU."""
