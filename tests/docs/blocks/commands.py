"""What a block of shell runs: words, without the shell."""

from __future__ import annotations

import re
import shlex
from itertools import takewhile

VARIABLE = re.compile(r"\w+=")
RUN = ("thunderagent", "recipes", "examples")
"""Packages of ours that blocks may run. Not ``benchmarks``: some set up the machine, all take minutes."""
HARMLESS = {"cat", "cd", "curl", "echo", "export", "grep", "head", "ls", "mkdir", "sleep", "tail"}
"""Beside ours, what blocks may run. A list of what may, not of what may not: an environment that a block installs into, or a
machine that it cleans, is not the tests' alone."""
PREFIXES = {"env": 1, "scripts/with-slime": 2, "scripts/with-skyrl": 2}
"""Words before a command of ours that run the rest."""


def commands(text: str) -> list[list[str]]:
    """Each command's words: those of a pipe or of ``a && b`` apart; no comments, redirections and variables before it."""
    found, unread = [], ""
    for line in text.replace("\\\n", " ").splitlines():
        try:
            read = _words(unread + line)
        except ValueError:  # a quotation goes on in the next line
            unread += line + "\n"
            continue
        unread, words = "", []
        for word in [*read, ";"]:
            if not (word and set(word) <= set("|&;")):
                words.append(word)
                continue
            words = list(takewhile(lambda word: not (word and set(word) <= set("<>")), words))
            while words and VARIABLE.match(words[0]):
                words.pop(0)
            if words:
                found.append(words)
            words = []
    return [*found, [unread]] if unread else found


def _words(line: str) -> list[str]:
    lexer = shlex.shlex(line, posix=True, punctuation_chars="|&;<>")
    lexer.whitespace_split = True
    return list(lexer)


def module(words: list[str]) -> tuple[str, list[str]] | None:
    """The module that a command runs, and its arguments; None: it is something else."""
    match words:
        case [first, *rest] if first in PREFIXES:
            return module(rest[PREFIXES[first] - 1 :])
        case ["scripts/run", name, *rest]:
            return name, rest
        case [python, "-m", name, *rest] if re.fullmatch(r"(.*/)?python3?", python):
            return name, rest
        case ["thunderagent", *rest]:
            return "thunderagent", rest
    return None


def refused(text: str) -> str:
    """Why a block must not be run here, in words; empty: it may."""
    hidden = re.search(r"\$\(|`|<\(|\w#", text)  # what ``commands`` does not look into, or reads in another way than bash
    for words in commands(text):
        called = module(words)
        ours = called is not None and called[0].partition(".")[0] in RUN and called[1][:1] != ["tools"]  # which removes sandboxes
        if hidden or not (ours or words[0] in HARMLESS):
            return f"{' '.join(words)}\nmay change more than its own folder, or is not ours: it needs a mark"
    return ""


def stays(words: list[str]) -> bool:
    """Whether it goes on until somebody ends it."""
    if {"--help", "--cfg"} & {*words}:
        return False
    match module(words):
        case (("recipes.serve" | "recipes.serve_ray"), _):
            return True
        case "thunderagent", ["serve" | "scheduler", *_]:
            return True
        case "thunderagent", ["top", *rest]:
            return not {"--once", "--json"} & {*rest}
    return False
