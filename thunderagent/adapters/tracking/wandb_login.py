"""Whether W&B can be reached with a key, found out without asking anybody: its own login would ask at the terminal."""

from __future__ import annotations

import netrc
import os
from urllib.parse import urlsplit

DEFAULT_URL = "https://api.wandb.ai"
KEY_VARIABLES = ("WANDB_API_KEY", "WANDB_IDENTITY_TOKEN_FILE")
WITHOUT_NETWORK = ("offline", "dryrun", "disabled")
"""Values of WANDB_MODE for which no key is needed."""


def is_logged_in() -> bool:
    """By a variable, or by ``wandb login``."""
    if any(os.environ.get(name) for name in KEY_VARIABLES):
        return True
    host = urlsplit(os.environ.get("WANDB_BASE_URL", DEFAULT_URL)).hostname or ""
    try:
        return netrc.netrc(os.environ.get("NETRC")).authenticators(host) is not None
    except (OSError, netrc.NetrcParseError):
        return False


def mode_of_environment() -> str | None:
    """For ``wandb.init``: what WANDB_MODE says, but offline where there is no key. None: W&B's own default, online."""
    told = os.environ.get("WANDB_MODE") or None
    return told if told in WITHOUT_NETWORK or is_logged_in() else "offline"
