"""Findings on engines, told: as text for people, as a document for programs."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from typing import Any

from rich.console import Console
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from thunderagent.adapters.engines.checkup import Checkup, Finding, Flag, Verdict

TITLES = {"kv_capacity": "KV capacity", "kv_events": "KV events"}
STYLES = {Verdict.OK: "green", Verdict.MISSING: "bold red", Verdict.WRONG: "bold red", Verdict.UNKNOWN: "yellow"}
OPTIONAL_STYLE = "yellow"


def document(checkups: Sequence[Checkup]) -> dict[str, Any]:
    """All of it; its names do not change."""
    return {
        "ready": all(checkup.ready for checkup in checkups),
        "command": _command(checkups),
        "engines": [
            {
                "url": checkup.url,
                "kind": checkup.kind,
                "name": checkup.name,
                "ready": checkup.ready,
                "asks_for_key": checkup.asks_for_key,
                "restart": {"with": _flags(checkup, remove=False), "without": _flags(checkup, remove=True)},
                "findings": [_entry(finding) for finding in checkup.findings],
            }
            for checkup in checkups
        ],
    }


def show(checkups: Sequence[Checkup], console: Console) -> None:
    """Print it: engine by engine, then what to do next."""
    for checkup in checkups:
        console.print(_heading(checkup))
        console.print(Padding(_table(checkup), (0, 0, 0, 2), expand=False))
        console.print()
    for line in _summary(checkups):
        console.print(line, soft_wrap=True)  # what is to be copied is never broken


def _entry(finding: Finding) -> dict[str, Any]:
    return {
        "check": finding.check,
        "verdict": finding.verdict,
        "needed": finding.needed,
        "seen": finding.seen,
        "why": finding.why,
        "fix": finding.fix,
    }


def _heading(checkup: Checkup) -> Text:
    verdict = ("ready", "bold green") if checkup.ready else ("blind", "bold red")
    return Text.assemble((checkup.url, "bold"), "  ", *([checkup.name, "  "] if checkup.name else []), verdict)


def _table(checkup: Checkup) -> Table:
    table = Table.grid(padding=(0, 2, 0, 0))
    for _ in range(2):
        table.add_column(no_wrap=True)
    table.add_column(overflow="fold")
    needed = [finding for finding in checkup.findings if finding.needed]
    optional = [finding for finding in checkup.findings if not finding.needed]
    for finding in needed:
        if (finding.check, finding.verdict) != ("kind", Verdict.OK):  # the heading has it
            _add(table, finding)
    if optional:
        table.add_row(Text("optional", "dim"))
    for finding in optional:
        _add(table, finding)
    return table


def _add(table: Table, finding: Finding) -> None:
    style = STYLES[finding.verdict] if finding.needed or finding.verdict is Verdict.OK else OPTIONAL_STYLE
    title = TITLES.get(finding.check, finding.check.replace("_", " "))
    table.add_row(Text(finding.verdict, style), Text(title), Text(finding.seen))
    if finding.verdict is Verdict.OK:
        return
    table.add_row("", "", Text(finding.why, "dim"))
    if finding.fix:
        table.add_row("", "", Text(f"-> {finding.fix}", "cyan" if finding.needed else "dim cyan"))


def _summary(checkups: Sequence[Checkup]) -> list[Text]:
    lines = []
    for checkup in checkups:
        if not checkup.ready:
            what = ", ".join(TITLES.get(finding.check, finding.check.replace("_", " ")) for finding in checkup.blind)
            lines.append(Text.assemble(("blind: ", "bold red"), f"{checkup.url}: {what}"))
            lines += [Text(f"  restart it {how}") for how in (_restart(checkup),) if how]
    command = _command(checkups)
    if command is not None:
        lines.append(Text.assemble(("ready: ", "bold green"), command))
        if any(checkup.asks_for_key for checkup in checkups):
            lines.append(Text("  clients send the engines' API key; a gateway without keys of its own passes it on"))
    return lines


def _command(checkups: Sequence[Checkup]) -> str | None:
    """What to go on with; None: something is to be mended first."""
    if not all(checkup.ready for checkup in checkups):
        return None
    return f"thunderagent serve --backends {shlex.quote(','.join(checkup.url for checkup in checkups))}"


def _restart(checkup: Checkup) -> str:
    added, removed = (" ".join(_flags(checkup, remove=remove)) for remove in (False, True))
    return ", ".join([*([f"with {added}"] if added else []), *([f"without {removed}"] if removed else [])])


def _flags(checkup: Checkup, *, remove: bool) -> list[str]:
    """Of all that is needed and not there, each once; variables of the environment come first, as in a shell."""
    flags: list[Flag] = [finding.flag for finding in checkup.blind if finding.flag is not None]
    texts = dict.fromkeys(flag.text for flag in flags if flag.remove is remove)
    return sorted(texts, key=lambda text: text.startswith("-"))
