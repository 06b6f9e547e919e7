"""Configuration in layers: defaults, files, environment."""
from .coerce import coerce
from .loader import Config, ConfigLoader
from .merge import merge_layers
from .sources import DefaultSource, EnvSource, FileSource

__all__ = ["Config", "ConfigLoader", "DefaultSource", "EnvSource", "FileSource", "coerce", "merge_layers"]
