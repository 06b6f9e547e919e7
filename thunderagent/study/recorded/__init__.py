"""Reports of recorded runs: one page out of the profiles that a run has left."""

from thunderagent.study.recorded.page import page
from thunderagent.study.recorded.run import Run, find_profile, read_run, run_names

__all__ = ["Run", "find_profile", "page", "read_run", "run_names"]
