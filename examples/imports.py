"""A task for agents with tools that read: which modules of a package of Python's library import another one?"""

from __future__ import annotations

import re
import sysconfig
from collections.abc import Callable
from pathlib import Path
from typing import Any

from examples.scripted import Conversation, Scripted, call

PACKAGES = (
    *("email", "json", "logging", "unittest", "http", "asyncio", "urllib", "importlib", "multiprocessing", "xml/dom"),
    *("wsgiref", "ctypes", "concurrent/futures", "html", "xml/sax", "sqlite3"),
)
SHOWN_CHARACTERS = 4_000
"""Of a module: its imports are at its top."""
MOST_MODULES = 8
"""Of a package, in the order of their names."""
SYSTEM = "You answer questions about source code. Look at the files themselves before you answer, and do not guess."
LIBRARY = Path(sysconfig.get_paths()["stdlib"])


def question(package: str) -> str:
    """What an agent is asked."""
    return (
        f"Which modules of the package {package} import re? Read every module that list_modules tells, two at a time. "
        "End with one line: ANSWER: and their names without .py, with commas between them, or none."
    )


def list_modules(package: str) -> str:
    """Names of the modules of a package of Python's library, one a line."""
    if package not in PACKAGES:
        return f"there is no package {package}"
    return "\n".join(sorted(path.stem for path in (LIBRARY / package).glob("*.py"))[:MOST_MODULES])


def read_module(package: str, module: str) -> str:
    """The beginning of a module's source."""
    if module not in list_modules(package).splitlines():
        return f"there is no module {module} in {package}"
    return (LIBRARY / package / f"{module}.py").read_text(encoding="utf-8")[:SHOWN_CHARACTERS]


FUNCTIONS: dict[str, Callable[..., str]] = {"list_modules": list_modules, "read_module": read_module}
"""By the names that the model calls them by."""


def definitions() -> list[dict[str, Any]]:
    """Name, description and JSON schema of each."""
    package = {"type": "string", "description": "such as email or xml/dom"}
    return [
        _definition("list_modules", {"package": package}),
        _definition("read_module", {"package": package, "module": {"type": "string", "description": "without .py"}}),
    ]


def told(answer: str) -> str:
    """What an agent's last message says in the end."""
    return answer.rpartition("ANSWER:")[2].strip()


def right(package: str, answer: str) -> bool:
    """Whether that is true."""
    names = {name.strip(" .`*") for name in told(answer).split(",")}
    return names == ({name for name in list_modules(package).splitlines() if _imports_re(read_module(package, name))} or {"none"})


def verdict(package: str, answer: str) -> tuple[bool, str]:
    """Whether it is so, and in a few words what was said."""
    well = right(package, answer)
    return well, f"{package}: {told(answer)}{'' if well else ', which is wrong'}"


def scripted() -> Scripted:
    """For the embedded engine's ``--answers``: does what it is asked, two modules at a time."""
    return Scripted(_say)


def _say(conversation: Conversation) -> str:
    named = re.search(r"package (\S+) import", conversation.task)
    package = named[1] if named else ""
    if not conversation.results:
        return f"I begin with the list of modules.\n{call('list_modules', package=package)}"
    modules, sources = conversation.results[0].splitlines(), conversation.results[1:]
    if following := modules[len(sources) : len(sources) + 2]:
        return "\n".join(["I read on.", *(call("read_module", package=package, module=module) for module in following)])
    importing = [module for module, source in zip(modules, sources, strict=False) if _imports_re(source)]
    return f"I have read {len(sources)} modules of {package}.\nANSWER: {', '.join(importing) or 'none'}"


def _imports_re(source: str) -> bool:
    return re.search(r"^\s*(import re\b|from re import|import .*, re\b)", source, re.MULTILINE) is not None


def _definition(name: str, properties: dict[str, Any]) -> dict[str, Any]:
    schema = {"type": "object", "properties": properties, "required": list(properties)}
    return {"name": name, "description": FUNCTIONS[name].__doc__, "parameters": schema}
