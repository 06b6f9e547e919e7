"""What was read of one engine; ``checks`` judges it."""

from __future__ import annotations

from dataclasses import dataclass

from thunderagent.adapters.engines.reading import EngineKind, Reading


@dataclass(frozen=True, slots=True)
class Model:
    """One that an engine serves."""

    name: str
    longest_tokens: int | None
    """Prompt and output together; None: not told."""
    owner: str | None = None


@dataclass(frozen=True, slots=True)
class Setup:
    """How an engine was started, as far as it tells. None: it does not."""

    version: str | None = None
    metrics: bool | None = None
    prefix_caching: bool | None = None
    block_tokens: int | None = None
    cache_report: bool | None = None
    """Whether usage has cached tokens."""
    kv_events: bool | None = None
    development: bool | None = None
    """Whether it has the endpoints that pause it and empty its cache."""
    fingerprint: str | None = None
    """The same at two addresses: the same process."""


@dataclass(frozen=True, slots=True)
class Usage:
    """Of one answer. None: not told."""

    prompt_tokens: int | None = None
    cached_tokens: int | None = None


@dataclass(frozen=True, slots=True)
class Trial:
    """The same tiny request: twice, then streamed, then streamed and left."""

    took_s: float | None = None
    """The first of them; None: it was not answered."""
    problem: str | None = None
    """Why not, in words."""
    first: Usage | None = None
    again: Usage | None = None
    streamed: Usage | None = None
    """None: the stream had no usage."""
    stream_problem: str | None = None
    aborted: bool | None = None
    """Whether the engine let go of a request whose client left; None: nobody knows."""
    abort_unknown: str | None = None
    """Why nobody knows."""


@dataclass(frozen=True, slots=True)
class Facts:
    """Everything that was read at one address."""

    url: str
    problem: str | None = None
    """There is no engine: nothing answers, or something else."""
    advice: str | None = None
    """What to do about it."""
    answered_s: float | None = None
    """How long the first answer took, connecting included; None: there is none."""
    addresses: frozenset[str] = frozenset()
    """Behind the name, with the port."""
    kind: EngineKind | None = None
    asks_for_key: bool = False
    models: tuple[Model, ...] = ()
    models_problem: str | None = None
    reading: Reading | None = None
    reading_problem: str | None = None
    setup: Setup = Setup()
    trial: Trial | None = None
    """None: no request was sent."""

    @property
    def simulated(self) -> bool:
        """Whether it is the embedded engine, which speaks vLLM's API."""
        return any(model.owner == "thunderagent" for model in self.models)
