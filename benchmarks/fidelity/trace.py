"""Traces of requests in token ids: seeded, small in a file, the same on every machine.

A trace is turns of sessions. A session's prompt is the shared start, then everything it was given and answered so far. The
answers are known beforehand: engines are told to say one certain token, as often as the turn wants. So the same trace can be
put to any engine, answers are part of later prompts, and nothing has to be recorded but what the engine found cached.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from random import Random
from typing import Any

TOKENS = range(3, 5_000)
"""Token ids used: without the special ones, and within the vocabulary of the tiny model."""


@dataclass(frozen=True, slots=True)
class Turn:
    """One request."""

    session: int
    seed: int
    """Of the tokens that are new in it."""
    new_tokens: int
    output_tokens: int
    begins: bool = False
    """The session starts anew from the shared start."""
    think_s: float = 0.0
    """From its end to the session's next turn."""


@dataclass(frozen=True, slots=True)
class Prompt:
    """A turn written out."""

    turn: Turn
    tokens: tuple[int, ...]
    output: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Trace:
    """Turns in the order in which they are sent, or, among agents that run at the same time, each agent's in order."""

    shared_tokens: int
    """Length of the start that all prompts have in common."""
    turns: tuple[Turn, ...]
    answers_stay: bool = True
    """Whether answers are part of later prompts."""

    def prompts(self) -> Iterator[Prompt]:
        """All turns, written out."""
        shared = tuple(Random(0).choices(TOKENS, k=self.shared_tokens))
        contexts: dict[int, tuple[int, ...]] = {}
        for turn in self.turns:
            before = shared if turn.begins else contexts.get(turn.session, shared)
            random = Random(turn.seed)
            tokens = (*before, *random.choices(TOKENS, k=turn.new_tokens))
            output = (random.choice(TOKENS),) * turn.output_tokens
            contexts[turn.session] = (*tokens, *output) if self.answers_stay else tokens
            yield Prompt(turn, tokens, output)

    def by_session(self) -> list[list[Prompt]]:
        """The turns of each session."""
        sessions: dict[int, list[Prompt]] = {}
        for prompt in self.prompts():
            sessions.setdefault(prompt.turn.session, []).append(prompt)
        return list(sessions.values())

    def as_json(self) -> dict[str, Any]:
        """For a file; `from_json` reads it."""
        turns = [[t.session, t.seed, t.new_tokens, t.output_tokens, int(t.begins), t.think_s] for t in self.turns]
        return {"shared_tokens": self.shared_tokens, "answers_stay": self.answers_stay, "turns": turns}

    @classmethod
    def from_json(cls, document: dict[str, Any]) -> Trace:
        """What `as_json` gave."""
        turns = (Turn(session, seed, new, output, bool(begins), s) for session, seed, new, output, begins, s in document["turns"])
        return cls(document["shared_tokens"], tuple(turns), document["answers_stay"])


def sequential(seed: int, requests: int, sessions: int = 10, longest: int = 3_500) -> Trace:
    """One request after another, of a random session each time: the sessions' contexts do not fit a small cache together."""
    random = Random(f"sequential/{seed}")
    shared_tokens = 160
    contexts = [shared_tokens] * sessions
    turns = []
    for index in range(requests):
        session, new, output = random.randrange(sessions), random.randrange(20, 400), random.randrange(4, 120)
        begins = contexts[session] + new + output > longest
        contexts[session] = (shared_tokens if begins else contexts[session]) + new + output
        turns.append(Turn(session, _seed(seed, index), new, output, begins))
    return Trace(shared_tokens, tuple(turns))


def repeated(seed: int) -> Trace:
    """Prompts that come twice, with lengths around whole blocks of 32 tokens."""
    lengths = (31, 32, 33, 63, 64, 65, 96, 128, 255, 256, 257, 1_024)
    turns = (Turn(0, _seed(seed, index), length, 1, begins=True) for index, length in enumerate(lengths) for _ in range(2))
    return Trace(0, tuple(turns))


def burst(seed: int, requests: int, new: Sequence[int] = (200, 420), output: Sequence[int] = (300, 600)) -> Trace:
    """All at once: what they generate does not fit together, though their prompts do at first."""
    random = Random(f"burst/{seed}")
    turns = (Turn(index, _seed(seed, index), random.randrange(*new), random.randrange(*output)) for index in range(requests))
    return Trace(64, tuple(turns))


def agents(seed: int, number: int, turns: int = 10, *, think_s: float = 0.1, scale: int = 1, answers_stay: bool = True) -> Trace:
    """So many agents at the same time, each in closed loop: a turn, a tool call, the next turn.

    Args:
        seed: another one gives other agents.
        number: how many.
        turns: of each.
        think_s: mean of the tool calls' durations.
        scale: all lengths are so many times as long.
        answers_stay: as for `Trace`.
    """
    random = Random(f"agents/{seed}/{number}")
    made: list[Turn] = []
    for turn in range(turns):
        for agent in range(number):
            new = 200 if turn == 0 else random.randrange(50, 150)
            output, think = random.randrange(20, 80), round(random.uniform(0, 2 * think_s), 3)
            made.append(Turn(agent, _seed(seed, len(made)), scale * new, scale * output, think_s=think))
    return Trace(128 * scale, tuple(made), answers_stay)


def _seed(seed: int, index: int) -> int:
    return 1 + seed * 1_000_000 + index  # 0 is the shared start's
