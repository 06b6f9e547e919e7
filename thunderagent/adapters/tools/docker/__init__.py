"""Sandboxes as containers of Docker or podman, by the Docker Engine API."""

from thunderagent.adapters.tools.docker.backend import DockerBackend

__all__ = ["DockerBackend"]
