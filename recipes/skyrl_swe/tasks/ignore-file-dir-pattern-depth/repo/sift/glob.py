"""Translate a glob into a regular expression."""

import re
from functools import lru_cache


@lru_cache(maxsize=512)
def compile_glob(glob):
    """Compile a glob that has to match a whole relative path."""
    return re.compile(translate(glob) + r"\Z")


def translate(glob):
    """Return the source of the regular expression for a glob."""
    out = []
    pos = 0
    while pos < len(glob):
        if glob.startswith("**/", pos):
            out.append("(?:[^/]+/)*")
            pos += 3
        elif glob.startswith("**", pos):
            out.append(".*")
            pos += 2
        elif glob[pos] == "*":
            out.append("[^/]*")
            pos += 1
        elif glob[pos] == "?":
            out.append("[^/]")
            pos += 1
        elif glob[pos] == "[":
            piece, pos = _character_class(glob, pos)
            out.append(piece)
        elif glob[pos] == "\\" and pos + 1 < len(glob):
            out.append(re.escape(glob[pos + 1]))
            pos += 2
        else:
            out.append(re.escape(glob[pos]))
            pos += 1
    return "".join(out)


def _character_class(glob, start):
    """Translate ``[...]``; a bracket that is never closed is a plain character."""
    end = glob.find("]", start + 2)
    if end < 0:
        return r"\[", start + 1
    body = glob[start + 1:end].replace("\\", r"\\")
    if body[0] in "!^":
        body = "^/" + body[1:]
    return f"[{body}]", end + 1
