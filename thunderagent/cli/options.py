"""Options that several commands have, and their values from text."""

from __future__ import annotations

import math
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any, TypeVar

import typer

from thunderagent.errors import ConfigError
from thunderagent.simulation.contenders import CONTENDERS
from thunderagent.simulation.faults import Death, Faults
from thunderagent.simulation.presets import PRESETS
from thunderagent.simulation.spec import EngineSpec

DEFAULT_POLICIES = ("default", "cap", "tr", "thunder", "bound")
SAMPLE_EVERY_S = 10.0
"""Pictures of an hour have some hundred points across."""

Policies = Annotated[
    list[str],
    typer.Option("--policy", "-p", metavar="NAME", help=f"Compared: {', '.join(CONTENDERS)}. May be given several times."),
]
Engine = Annotated[str, typer.Option("--engine", "-e", metavar="NAME", help=f"The engine: {', '.join(PRESETS)}.")]
Engines = Annotated[int, typer.Option("--engines", "-n", metavar="N", min=1, help="How many of them.")]
Constants = Annotated[
    list[str],
    typer.Option(
        "--set",
        metavar="KEY=VALUE",
        help="Another constant of the engine, e.g. kv_capacity_tokens=500000 or prefill_tokens_per_s=20000.",
    ),
]
Fault = Annotated[
    list[str],
    typer.Option(
        "--fault",
        metavar="FAULT",
        help="What goes wrong: capacity=0.8 or tokens=0.8 (the scheduler is told so many times the truth), silent=600-1200 "
        "(no usage reported in these seconds), death=0@600+60 (engine 0 dies at 600 s, for 60 s).",
    ),
]
Out = Annotated[Path, typer.Option("--out", "-o", metavar="DIR", help="Folder for report.html, pictures and study.json.")]
Workers = Annotated[int, typer.Option(metavar="N", min=1, show_default=False, help="Processes; default: one per core.")]
NoReport = Annotated[bool, typer.Option("--no-report", help="Tables only; writes study.json, no page and no pictures.")]

Profiles = Annotated[
    Path | None,
    typer.Option(
        "--profile",
        metavar="DIR",
        help="Folder for the steps of each simulation: profile.jsonl and profile.csv, as runs on real engines write them.",
    ),
]

T = TypeVar("T")
WORKERS = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
"""As many as this process may use."""


def chosen(option: str, names: Sequence[str], known: Mapping[str, T]) -> list[str]:
    """The names, each once.

    Raises:
        ConfigError: one is not known.
    """
    for name in names:
        if name not in known:
            raise ConfigError(option, name, f"must be one of {', '.join(known)}")
    return list(dict.fromkeys(names))


@contextmanager
def writing(out: Path, option: str = "--out") -> Iterator[None]:
    """While something is written to this folder, which the option names.

    Raises:
        ConfigError: it cannot be.
    """
    try:
        yield
    except OSError as error:
        raise ConfigError(option, out, f"cannot be written: {error.strerror}") from None


def positive(option: str, value: float) -> float:
    """The value.

    Raises:
        ConfigError: it is not positive, or not finite.
    """
    if not 0 < value < math.inf:
        raise ConfigError(option, value, "must be positive and finite")
    return value


def engine_spec(name: str, constants: Sequence[str]) -> EngineSpec:
    """The preset with other constants.

    Raises:
        ConfigError: there is no such preset or constant, or it is impossible.
    """
    chosen("--engine", [name], PRESETS)
    spec = PRESETS[name]()
    fields = set(EngineSpec.__dataclass_fields__)
    for constant in constants:
        key, _, text = constant.partition("=")
        if key not in fields:
            raise ConfigError("--set", constant, f"must be KEY=VALUE with KEY one of {', '.join(sorted(fields))}")
        try:
            spec = replace(spec, **{key: _constant(key, constant, text)})
        except ValueError as error:
            raise ConfigError("--set", constant, str(error)) from None
    return spec


def _constant(key: str, constant: str, text: str) -> Any:
    if key == "queue":
        return text
    number = _number("--set", constant, text)
    if EngineSpec.__dataclass_fields__[key].type != "int":
        return number
    if not number.is_integer():
        raise ConfigError("--set", constant, f"{key} must be a whole number")
    return int(number)


def faults(texts: Sequence[str], engines: int) -> Faults:
    """All of them together.

    Raises:
        ConfigError: one cannot be read.
    """
    result = Faults()
    for text in texts:
        key, _, value = text.partition("=")
        try:
            if key == "capacity":
                result = replace(result, capacity_factor=_number("--fault", text, value))
            elif key == "tokens":
                result = replace(result, token_factor=_number("--fault", text, value))
            elif key == "silent":
                begin_s, end_s = (_number("--fault", text, part) for part in value.partition("-")[::2])
                result = replace(result, silent_from_s=begin_s, silent_until_s=end_s)
            elif key == "death":
                result = replace(result, deaths=(*result.deaths, _death(text, value, engines)))
            else:
                raise ConfigError("--fault", text, "must be capacity=, tokens=, silent=FROM-UNTIL or death=ENGINE@AT+DOWN")
        except ValueError as error:
            raise ConfigError("--fault", text, str(error)) from None
    return result


def _death(text: str, value: str, engines: int) -> Death:
    engine, _, times = value.partition("@")
    at_s, _, down_s = times.partition("+")
    if not engine.isdecimal() or int(engine) >= engines:
        raise ConfigError("--fault", text, f"the engine must be a number from 0 to {engines - 1}")
    return Death(int(engine), _number("--fault", text, at_s), _number("--fault", text, down_s))


def _number(option: str, whole: str, text: str) -> float:
    try:
        return float(text)
    except ValueError:
        raise ConfigError(option, whole, f"{text!r} is not a number") from None
