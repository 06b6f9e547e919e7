"""How slime's samples map to ours: one execution of a sample is a program, a prompt's samples are a group."""

from __future__ import annotations

import copy
import hashlib
import uuid
from argparse import Namespace
from typing import Any
from urllib.parse import quote, unquote

TRAIN, EVAL = "train/", "eval/"
LONGEST_SESSION_CHARACTERS = 128
"""Half of what the gateway takes as an id."""


def phase_of(evaluation: bool) -> str:
    """With which the ids of its programs begin: train and eval may overlap, and are measured apart."""
    return EVAL if evaluation else TRAIN


def program_id(sample: Any, evaluation: bool) -> str:
    """``train/GROUP/SESSION``. Samples of an evaluation have no session: each gets one here, and is not touched itself.

    A sample that comes back (partial rollout, fully-async) has its session still, and so its program.
    """
    session = str(sample.session_id) if getattr(sample, "session_id", None) else uuid.uuid4().hex
    if len(session) > LONGEST_SESSION_CHARACTERS or not session.isprintable():
        session = hashlib.sha256(session.encode()).hexdigest()
    group = getattr(sample, "group_index", None)
    return phase_of(evaluation) + (session if group is None else f"{group}/{session}")


def group_of(program_id: str) -> str:
    """``train/GROUP``; empty for a program without one."""
    phase, _, rest = program_id.partition("/")
    group, slash, _ = rest.partition("/")
    return f"{phase}/{group}" if slash else ""


def args_of(args: Namespace, program_id: str, ip: str, port: int) -> Namespace:
    """slime's arguments, as the inner function gets them: its router is the gateway, on a path that names the program.

    Functions make URLs as ``http://{sglang_router_ip}:{sglang_router_port}/generate``, or ask ``get_model_url``. Models other
    than the one that is trained stay where they are.
    """
    scheduled = copy.copy(args)
    address = args.sglang_router_ip, args.sglang_router_port
    ours: Any = ip, f"{port}/p/{quote(program_id, safe='')}"
    scheduled.sglang_router_ip, scheduled.sglang_router_port = ours
    routers = getattr(args, "sglang_model_routers", None) or {}
    if routers:
        scheduled.sglang_model_routers = {name: ours if tuple(at) == address else at for name, at in routers.items()}
    return scheduled


def program_of(args: Namespace) -> tuple[str, str] | None:
    """The gateway's URL and the program's id in arguments that an inner function got; None: its turns are not scheduled."""
    port, in_path, program = str(args.sglang_router_port).partition("/p/")
    return (f"http://{args.sglang_router_ip}:{port}", unquote(program)) if in_path else None
