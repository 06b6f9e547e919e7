"""Finding the user's code, and what can be made of it."""

from __future__ import annotations

import importlib
import sys
from pathlib import Path
from typing import Any

from thunderagent.adapters.tools.callables.calls import Calls
from thunderagent.adapters.tools.callables.plain import PlainBackend
from thunderagent.adapters.tools.callables.whole import WholeBackend
from thunderagent.errors import ConfigError
from thunderagent.runtime.tools import SandboxBackend

KEY = "tools.factory"
PLAIN = ("create", "execute", "remove")
WHOLE = ("prepare", "execute", "remove", "attach", "found", "images", "remove_image", "close")


def load_backend(path: str) -> SandboxBackend:
    """What the user's code makes sandboxes with.

    ``path`` is ``module:name`` of a class or function without arguments, found from the current folder too. What it gives has
    either all methods of ``SandboxBackend``, or these (``plain`` says more):

    - ``create(request, labels)``: a sandbox, whatever that is; a handle of it comes back
    - ``execute(handle, command)``: an ``Output``
    - ``remove(handle)``
    - ``list()``, which may be missing: pairs of handle and labels of all that exist. Without it, what a process that was killed
      has left behind can be removed by nobody here.

    All may be plain functions, which run in threads. Whatever they raise becomes a ``SandboxProblem``.

    Raises:
        ConfigError: there is no such thing, or it lacks something.
    """
    made = _make(path)
    wanted = WHOLE if hasattr(made, "prepare") else PLAIN
    lacking = [name for name in wanted if not callable(getattr(made, name, None))]
    if lacking:
        raise ConfigError(
            KEY, path, f"gives a {type(made).__name__} without {', '.join(lacking)}; needed are {', '.join(wanted)}"
        )
    calls = Calls(made)
    return WholeBackend(calls) if wanted is WHOLE else PlainBackend(calls)


def _make(path: str) -> Any:
    module_name, colon, name = path.partition(":")
    if not (module_name and colon and name):
        raise ConfigError(KEY, path, "must be module:name")
    if str(Path.cwd()) not in sys.path:
        sys.path.append(str(Path.cwd()))
    try:
        factory = getattr(importlib.import_module(module_name), name)
    except Exception as error:  # the module is the user's: anything can happen in it
        raise ConfigError(KEY, path, f"cannot be imported: {type(error).__name__}: {error}") from error
    if not callable(factory):
        raise ConfigError(KEY, path, f"must be a class or a function, not {type(factory).__name__}")
    try:
        return factory()
    except Exception as error:
        raise ConfigError(KEY, path, f"failed when it was called without arguments: {type(error).__name__}: {error}") from error
