"""Sandboxes of the user's own code: Modal, Daytona, Kubernetes, anything that can run a shell command."""

from thunderagent.adapters.tools.callables.loading import load_backend

__all__ = ["load_backend"]
