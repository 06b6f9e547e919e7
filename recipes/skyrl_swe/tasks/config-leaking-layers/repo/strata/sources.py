"""The sources of configuration layers."""
import json
import os

from .coerce import split_extension


class DefaultSource:
    """Values that are given by the application."""

    def __init__(self, values):
        self._values = values

    def read(self):
        """Return the layer as a nested dictionary."""
        return self._values


class FileSource:
    """A JSON file, which may be missing. It is parsed again when it has changed."""

    def __init__(self, path):
        self._path = path
        self._stamp = None
        self._values = {}

    def read(self):
        """Return the layer as a nested dictionary."""
        try:
            stamp = os.stat(self._path).st_mtime_ns
        except FileNotFoundError:
            return {}
        if stamp != self._stamp:
            with open(self._path, encoding="utf-8") as file:
                values = json.load(file)
            if not isinstance(values, dict):
                raise ValueError(f"{self._path} does not contain an object")
            self._values, self._stamp = values, stamp
        return self._values


class EnvSource:
    """Environment variables with a prefix."""

    def __init__(self, prefix, environ):
        self._prefix = prefix
        self._environ = environ

    def read(self):
        """Return the layer as a nested dictionary."""
        layer = {}
        for name in sorted(self._environ):
            if not name.startswith(self._prefix):
                continue
            *parents, key = name[len(self._prefix):].lower().split("__")
            extends, value = split_extension(self._environ[name])
            target = layer
            for parent in parents:
                target = target.setdefault(parent, {})
            target[key + "+" if extends else key] = value
        return layer
