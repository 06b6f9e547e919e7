"""A command line of ours, as far as its own parser takes it: nothing is run."""

from __future__ import annotations

import argparse
import contextlib
import importlib
import importlib.util
import io
import itertools
import runpy
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NoReturn

from tests.docs.blocks.commands import module
from thunderagent.errors import ThunderAgentError

SKYRL = "skyrl.train.entrypoints."
OURS = ("recipes", "benchmarks", "examples")


def problem(words: list[str]) -> str:
    """What its parser says against a command; empty: nothing, or it is not ours."""
    called = module(words)
    if called is None:
        return ""
    name, arguments = called
    if name == "thunderagent":
        return _of_cli(arguments)
    if name.startswith(SKYRL):
        return _of_skyrl(arguments)
    if name.partition(".")[0] not in OURS:
        return ""
    if _is_hydra(name):
        return _of_hydra(name, arguments)
    source = _source(name)
    if not source:
        return f"there is no module {name}"
    if "from_cli_overrides" in source:
        return _of_skyrl(arguments)
    # Not every module: one that does not stop at its parser would run in earnest.
    return _of_argparse(name, arguments) if "parse_args(" in source or "parts.run(" in source else ""


def _source(name: str) -> str:
    """Of what ``python -m`` runs."""
    for candidate in (f"{name}.__main__", name):
        try:
            spec = importlib.util.find_spec(candidate)
        except ModuleNotFoundError:
            continue
        if spec is not None and spec.origin is not None:
            return Path(spec.origin).read_text(encoding="utf-8")
    return ""


def _of_cli(arguments: list[str]) -> str:
    import typer

    from thunderagent.cli.app import USAGE_ERROR, app
    from thunderagent.cli.commands import with_command

    group: Any = typer.main.get_command(app)
    try:
        name, command, rest = group.resolve_command(typer.Context(group), with_command(arguments))
        command.make_context(name, rest)
    except typer.Exit:  # --help
        return ""
    except USAGE_ERROR as error:
        return str(error.format_message())
    except ThunderAgentError as error:
        return str(error)
    return ""


def _is_hydra(name: str) -> bool:
    from recipes.common.config import CONFIG_DIR

    return name.startswith("recipes.") and (CONFIG_DIR / f"{name.removeprefix('recipes.')}.yaml").is_file()


def _of_hydra(name: str, arguments: list[str]) -> str:
    """Every run of a sweep is composed and validated."""
    from hydra import compose, initialize_config_dir
    from hydra.core.override_parser.overrides_parser import OverridesParser

    from recipes.common.config import CONFIG_DIR
    from recipes.common.hydra_config import HYDRA_ERRORS, check_spelling, explain, from_omegaconf

    overrides = [word for word in arguments if word not in ("-m", "--multirun")]
    _, schema = importlib.import_module(f"{name}.__main__")._load()
    try:
        check_spelling(overrides)
        choices = [
            [f"{parsed.get_key_element()}={value}" for value in parsed.sweep_string_iterator()]
            if parsed.is_sweep_override()
            else [str(parsed.input_line)]
            for parsed in OverridesParser.create().parse_overrides(overrides)
        ]
        with initialize_config_dir(version_base="1.3", config_dir=str(CONFIG_DIR)):
            for run in itertools.product(*choices):
                from_omegaconf(compose(name.removeprefix("recipes."), overrides=list(run)), schema)
    except HYDRA_ERRORS as error:
        return explain(error, schema)
    except ThunderAgentError as error:
        return str(error)
    return ""


def _of_skyrl(arguments: list[str]) -> str:
    """SkyRL's own keys, and ours among them; words without ``=`` stand for the reader's."""
    from thunderagent.adapters.skyrl.config import ThunderSkyRLConfig, refuse_unknown_keys

    keys = [word for word in arguments if "=" in word and not word.startswith("trainer.override_entrypoint=")]  # taken before
    try:
        refuse_unknown_keys(keys)
        ThunderSkyRLConfig.from_cli_overrides(keys).thunder_config()
    except (ThunderAgentError, ValueError) as error:
        return str(error)
    return ""


class _Parsed(BaseException):
    """The command line was read: its module must not go on."""


def _of_argparse(name: str, arguments: list[str]) -> str:
    """The module begins as ever, and is stopped once its parser is content."""
    original = argparse.ArgumentParser.parse_args

    def parse(self: argparse.ArgumentParser, args: Sequence[str] | None = None, namespace: Any = None) -> NoReturn:
        original(self, args, namespace)
        raise _Parsed

    said, argv = io.StringIO(), sys.argv
    argparse.ArgumentParser.parse_args, sys.argv = parse, [name, *arguments]  # type: ignore[method-assign,assignment]
    try:
        with contextlib.redirect_stderr(said):
            runpy.run_module(name, run_name="__main__", alter_sys=False)
    except _Parsed:
        return ""
    except SystemExit:
        return said.getvalue()
    finally:
        argparse.ArgumentParser.parse_args, sys.argv = original, argv  # type: ignore[method-assign]
    return f"{name} reads no command line"
