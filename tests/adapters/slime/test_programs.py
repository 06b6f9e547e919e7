"""Samples and programs."""

from __future__ import annotations

from argparse import Namespace
from types import SimpleNamespace

from thunderagent.adapters.gateway.program_ids import valid_program_id
from thunderagent.adapters.slime.programs import args_of, group_of, program_id, program_of


def test_a_program_is_a_session_of_a_phase_and_a_group_is_a_prompt() -> None:
    name = program_id(SimpleNamespace(session_id="0b5e", group_index=12), False)
    assert name == "train/12/0b5e"
    assert group_of(name) == "train/12"
    assert program_id(SimpleNamespace(session_id="0b5e", group_index=12), True) == "eval/12/0b5e"


def test_a_sample_without_a_session_gets_a_name_of_its_own_each_time() -> None:
    sample = SimpleNamespace(session_id=None, group_index=None)
    first, second = program_id(sample, True), program_id(sample, True)
    assert first.startswith("eval/")
    assert first != second
    assert group_of(first) == ""
    assert sample.session_id is None


def test_whatever_a_session_is_called_the_gateway_takes_it() -> None:
    for session in ("x" * 1000, "line\nline"):
        assert valid_program_id(program_id(SimpleNamespace(session_id=session, group_index=1), False))


def test_only_the_scheduled_models_router_is_replaced() -> None:
    routers = {"default": ("10.0.0.1", 3000), "ref": ("10.0.0.1", 4000)}
    args = Namespace(sglang_router_ip="10.0.0.1", sglang_router_port=3000, sglang_model_routers=routers, other=[1])
    scheduled = args_of(args, "train/1/a b", "127.0.0.1", 8000)
    assert (
        f"http://{scheduled.sglang_router_ip}:{scheduled.sglang_router_port}/x" == "http://127.0.0.1:8000/p/train%2F1%2Fa%20b/x"
    )
    assert scheduled.sglang_model_routers == {"default": ("127.0.0.1", "8000/p/train%2F1%2Fa%20b"), "ref": ("10.0.0.1", 4000)}
    assert (args.sglang_router_port, args.sglang_model_routers) == (3000, routers)
    assert scheduled.other is args.other


def test_an_inner_function_finds_its_program_in_its_arguments() -> None:
    args = Namespace(sglang_router_ip="10.0.0.1", sglang_router_port=3000)
    assert program_of(args) is None
    assert program_of(args_of(args, "train/1/a b", "127.0.0.1", 8000)) == ("http://127.0.0.1:8000", "train/1/a b")
