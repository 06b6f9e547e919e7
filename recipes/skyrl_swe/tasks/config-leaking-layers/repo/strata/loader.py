"""The loader and its result."""
import os

from .merge import merge_layers
from .sources import DefaultSource, EnvSource, FileSource

_REQUIRED = object()


class Config:
    """Read access to merged values with dotted names."""

    def __init__(self, values):
        self._values = values

    def get(self, name, default=None):
        """Return the value for a dotted name, or the default."""
        value = self._find(name)
        return default if value is _REQUIRED else value

    def require(self, name):
        """Return the value for a dotted name, or raise KeyError."""
        value = self._find(name)
        if value is _REQUIRED:
            raise KeyError(f"the configuration has no {name!r}")
        return value

    def as_dict(self):
        """Return all values as a nested dictionary."""
        return self._values

    def _find(self, name):
        value = self._values
        for part in name.split("."):
            if not isinstance(value, dict) or part not in value:
                return _REQUIRED
            value = value[part]
        return value


class ConfigLoader:
    """Reads all layers and merges them."""

    def __init__(self, defaults=None, files=(), prefix="APP_"):
        self._sources = [DefaultSource(defaults or {})]
        self._sources += [FileSource(path) for path in files]
        self._prefix = prefix

    def load(self, environ=None):
        """Return the current configuration."""
        environ = os.environ if environ is None else environ
        sources = [*self._sources, EnvSource(self._prefix, environ)]
        return Config(merge_layers(source.read() for source in sources))
