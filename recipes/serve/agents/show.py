"""A bar while the agents run, and the table at the end."""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeElapsedColumn

from recipes.serve.agents.agent import Plan
from recipes.serve.agents.crowd import run_crowd
from recipes.serve.agents.report import table
from recipes.serve.agents.tally import Tally


async def run_and_show(urls: Sequence[str], agents: int, plan: Plan, *, api_key: str, model: str | None, seed: int) -> int:
    """Run the agents at each address, print the comparison; returns how many turns failed.

    Raises:
        ConfigError: nothing answers at one of them.
    """
    errors = Console(stderr=True)
    columns = (
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TextColumn("{task.fields[figures]}"),
    )
    tallies: dict[str, Tally] = {}
    with Progress(*columns, console=errors, disable=not errors.is_terminal) as bar:
        for url in dict.fromkeys(urls):
            task = bar.add_task(url, total=agents * plan.turns, figures="")

            def show(tally: Tally, task: TaskID = task) -> None:
                figures = f"{tally.steps_per_min:.0f} steps/min, KV hit rate {tally.hit_rate:.2f}"
                bar.update(task, completed=len(tally.steps), figures=figures)

            tallies[url] = await run_crowd(url, agents, plan, api_key=api_key, model=model, seed=seed, on_step=show)
    Console().print(table(tallies))
    return sum(tally.failed for tally in tallies.values())
