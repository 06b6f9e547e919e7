"""Whether bubblewrap works here."""

from __future__ import annotations

import functools
import shutil
import subprocess

from thunderagent.adapters.tools.bubblewrap.jail import ISOLATION, root_mounts

PROBE_TIMEOUT_S = 20.0
"""It takes some ms; a machine under heavy load may need a thousand times as long."""


@functools.cache
def why_not() -> str:
    """What is missing, and how to get it; empty: nothing. Tried once per process, which takes some ms."""
    bwrap = shutil.which("bwrap")
    if bwrap is None:
        return "needs bwrap, which is in the package bubblewrap (apt-get install bubblewrap)"
    probe = [bwrap, *ISOLATION, *root_mounts(None), "sh", "-c", ":"]
    try:
        tried = subprocess.run(probe, capture_output=True, text=True, errors="replace", check=False, timeout=PROBE_TIMEOUT_S)
    except (OSError, subprocess.TimeoutExpired) as error:
        return f"bwrap does not run: {error}"
    if tried.returncode == 0:
        return ""
    return (
        f"bwrap cannot make sandboxes here ({tried.stderr.strip()[:200]}): it needs user namespaces; "
        "`bwrap --unshare-all --ro-bind / / true` tells whether they are allowed"
    )
