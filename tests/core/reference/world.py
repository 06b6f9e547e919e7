"""The records of the reference, and every question about them answered by a scan over all programs."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NamedTuple

from thunderagent.core.events import TurnArrived


class Piece(NamedTuple):
    """One shared start of contexts, without the start that it continues."""

    kind: str
    """``prefix`` (named by the host) or ``group`` (the first prompt of an RL group)."""
    name: str
    end: int
    """Tokens from the start of the context to the end of this piece."""
    own: int
    """Tokens beyond the piece before it."""


Chain = tuple[Piece, ...]
"""Pieces that continue one another."""


@dataclass(eq=False)
class Backend:
    """One KV cache."""

    id: str
    birth: int
    capacity: int | None
    host: int
    cache: int
    """Which KV cache this is: a number that no cache has had before; another one after every loss."""
    healthy: bool = True
    writes: list[int] = field(default_factory=list)
    """Tokens computed by each ended turn."""
    prefill_speeds: list[float] = field(default_factory=list)
    """Tokens per second of each prefill that was long enough to tell."""
    whole_turns: list[tuple[int, int, float]] = field(default_factory=list)
    """Tokens computed and generated, and seconds, of each turn whose first token nobody saw."""
    returns: list[tuple[float, bool]] = field(default_factory=list)
    """For each return to a held KV cache: the share that was missed, and whether the backend was under pressure."""

    @property
    def usable(self) -> bool:
        return self.healthy and self.capacity != 0

    def could_hold(self, program: Program) -> bool:
        return self.capacity is None or program.context <= self.capacity


@dataclass(eq=False)
class Turn:
    """One turn that waits or runs."""

    id: int
    prompt: int
    arrived_s: float
    admitted_s: float | None = None
    first_token_s: float | None = None
    cache: int | None = None
    """The KV cache it was started on."""
    promised: int = 0
    """Tokens that should still be cached, as the KV of its program was held for it."""
    told: int | None = None
    """Tokens of its program that the engine told to be there when it was started."""


@dataclass(eq=False)
class Program:
    """One agent run."""

    id: str
    birth: int
    priority: int
    group: str
    group_chain: Chain
    """What all members of its group could share."""
    chain: Chain
    """What it shares itself."""
    context: int = 0
    backend: Backend | None = None
    placement: int = 0
    """Number of its last placement; placements of all programs are counted together."""
    origin_id: str | None = None
    avoid_id: str | None = None
    """Where it has failed since it was last admitted."""
    running: list[Turn] = field(default_factory=list)
    waiting: list[Turn] = field(default_factory=list)
    marked: bool = False
    paused_in_call: bool = False
    """It was paused between turns, and no turn of it has come since."""
    tool: str = ""
    since_s: float | None = None
    """When its last running turn ended; None while one runs or waits."""
    idle_since_s: float = 0.0
    look_s: float = 0.0
    """When it is to be asked again whether its KV is worth holding (``thunder``)."""
    cache: int | None = None
    """The KV cache that its context was last written to."""
    writes_seen: int = 0
    """Entries of that backend's ``writes`` at that time."""
    told: list[tuple[int, int | None]] = field(default_factory=list)
    """(KV cache, tokens still in it) that was told since its last turn ended."""
    last_prompt: int = 0
    """Exact prompt of its last turn with usage."""

    def still_in(self, cache: int) -> int | None:
        """Tokens, as told last; None: not told."""
        last = self.told[-1] if self.told else (cache, None)
        return last[1] if last[0] == cache else None

    @property
    def shared(self) -> int:
        return sum(piece.own for piece in self.chain)

    @property
    def private(self) -> int:
        return self.context - self.shared

    @property
    def acting(self) -> bool:
        """Between turns with its KV counted."""
        return self.backend is not None and not self.running


@dataclass
class World:
    """Everything there is."""

    now: float = 0.0
    backends: list[Backend] = field(default_factory=list)
    """In order of joining."""
    programs: list[Program] = field(default_factory=list)
    """In order of birth."""
    held: list[TurnArrived] = field(default_factory=list)
    """Held back by a weight sync, in order of arrival."""
    homes: list[tuple[Piece, str]] = field(default_factory=list)
    """(longest shared start of a program, backend it was placed on) for each placement, as long as somebody shares it."""
    finished: list[str] = field(default_factory=list)
    """The group of each released program, as long as another member lives."""
    calls: list[tuple[str, float]] = field(default_factory=list)
    """(tool, seconds) of each tool call that is over."""
    empties: list[Backend] = field(default_factory=list)
    """Usable backends without residents, longest empty first."""

    def program(self, program_id: str) -> Program | None:
        return next((p for p in self.programs if p.id == program_id), None)

    def backend(self, backend_id: str | None) -> Backend | None:
        return next((b for b in self.backends if b.id == backend_id), None)

    def usable(self) -> list[Backend]:
        return [b for b in self.backends if b.usable]

    def usable_backend(self, backend_id: str | None) -> Backend | None:
        return next((b for b in self.usable() if b.id == backend_id), None)

    def residents(self, backend: Backend) -> list[Program]:
        """In the order in which they were placed."""
        return sorted((p for p in self.programs if p.backend is backend), key=lambda p: p.placement)

    def acting(self, backend: Backend) -> list[Program]:
        """Smallest private part first, then the oldest."""
        return sorted((p for p in self.residents(backend) if p.acting), key=lambda p: (p.private, p.birth))

    def unmarked(self, backend: Backend) -> list[Program]:
        """Running and not marked; smallest private part first, then the oldest."""
        return sorted((p for p in self.residents(backend) if p.running and not p.marked), key=lambda p: (p.private, p.birth))

    def private_tokens(self, backend: Backend) -> int:
        return sum(p.private for p in self.residents(backend))

    def pieces(self, backend: Backend) -> set[Piece]:
        return {piece for p in self.residents(backend) for piece in p.chain}

    def shared_tokens(self, backend: Backend) -> int:
        """Each shared start once."""
        return sum(piece.own for piece in self.pieces(backend))

    def need_tokens(self, program: Program, backend: Backend) -> int:
        """What a program that is not here would add."""
        return program.private + sum(piece.own for piece in set(program.chain) - self.pieces(backend))

    def home(self, program: Program) -> Backend | None:
        """Where a program with the same longest shared start was last placed."""
        places = [backend_id for piece, backend_id in self.homes if program.chain and piece == program.chain[-1]]
        return self.usable_backend(places[-1]) if places else None

    def in_line(self) -> list[Program]:
        return [p for p in self.programs if p.waiting]

    def is_idle(self, program: Program) -> bool:
        return not (program.running or program.waiting or any(t.program_id == program.id for t in self.held))

    def idle(self) -> list[Program]:
        """Longest idle first, then the oldest."""
        return sorted((p for p in self.programs if self.is_idle(p)), key=lambda p: (p.idle_since_s, p.birth))

    def turn(self, turn_id: int) -> tuple[Program, Turn] | None:
        return next(((p, t) for p in self.programs for t in (*p.waiting, *p.running) if t.id == turn_id), None)

    def chains(self, event: TurnArrived, prompt: int) -> tuple[Chain, Chain]:
        """What a new program's group can share, and what it shares itself.

        A start means what the first living program that named it said; one longer than a prompt is not shared by it.
        """
        living = [piece for p in self.programs for piece in (*p.group_chain, *p.chain)]
        named: Chain = ()
        if event.prefix and event.prefix_tokens > 0:
            known = [piece for piece in living if piece[:2] == ("prefix", event.prefix)]
            named = tuple(known[:1]) or (Piece("prefix", event.prefix, event.prefix_tokens, event.prefix_tokens),)
        group_chain: Chain = ()
        if event.group:
            siblings = [p for p in self.programs if p.group == event.group]
            start = tuple(piece for piece in named if piece.end <= prompt)
            own = prompt - sum(piece.own for piece in start)
            group_chain = siblings[0].group_chain if siblings else (*start, Piece("group", event.group, prompt, own))
        chain = tuple(piece for piece in (group_chain or named) if piece.end <= prompt)
        return group_chain, chain
