"""Agentic software-engineering rollouts under SkyRL's fully-async trainer, scheduled by thunderagent."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

# before mini-swe-agent is imported, which else greets and reads a configuration of the user's
os.environ.setdefault("MSWEA_SILENT_STARTUP", "1")
os.environ.setdefault("MSWEA_GLOBAL_CONFIG_DIR", str(Path(tempfile.gettempdir()) / "thunderagent-mswea"))
