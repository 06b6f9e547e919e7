"""A program of a gateway: its turns, and what goes wrong on the way."""

from __future__ import annotations

import logging

import openai
import pytest
from aiohttp import web

from tests.adapters.gateway.clients.running import MODEL
from tests.client.conftest import run
from thunderagent.adapters.gateway.settings import GatewaySettings
from thunderagent.client import Program
from thunderagent.config import ThunderConfig
from thunderagent.embedded import EmbeddedGateway
from thunderagent.errors import SandboxProblem

NOBODY = "http://127.0.0.1:9"


def test_turns_and_sandboxes_are_of_one_program(gateway: EmbeddedGateway) -> None:
    async def scenario() -> None:
        client = openai.AsyncOpenAI(base_url=f"{gateway.url}/v1", api_key="none")
        async with Program("one", f"{gateway.url}/v1/") as program, program.sandbox() as sandbox:
            said = [{"role": "user", "content": "hello"}]
            await client.chat.completions.create(model=MODEL, messages=said, extra_body=program.extra_body)  # type: ignore[arg-type]
            runtime = gateway.serving.session.runtime
            assert "one" in runtime.scheduler.programs
            assert gateway.call(lambda serving: serving.session.tools.of_program("one"))[0].id == sandbox.id  # type: ignore[union-attr]
        assert "one" not in gateway.call(lambda serving: list(serving.session.runtime.scheduler.programs))
        await client.close()

    run(scenario)


def test_a_gateway_without_tools_and_one_that_wants_a_key_say_so() -> None:
    here = EmbeddedGateway(ThunderConfig(), GatewaySettings(port=0, drain_s=0, api_keys=("key",)), [NOBODY])
    url = here.start()

    async def scenario() -> None:
        async with Program("p", url, "key") as program:
            with pytest.raises(SandboxProblem, match="--tools docker") as problem:
                await program.acquire(image="i")
            assert problem.value.permanent
        async with Program("p", url) as program:
            with pytest.raises(SandboxProblem, match="API key"):
                await program.acquire(image="i")

    try:
        run(scenario)
    finally:
        here.stop()


def test_a_gateway_that_is_gone_is_an_error_of_the_call_and_not_of_the_end(caplog: pytest.LogCaptureFixture) -> None:
    async def scenario() -> None:
        with caplog.at_level(logging.WARNING):
            async with Program("p", NOBODY) as program:
                with pytest.raises(SandboxProblem, match=f"the gateway at {NOBODY} does not answer") as problem:
                    await program.acquire(image="i")
                assert not problem.value.permanent
        assert "program p could not be released" in caplog.text

    run(scenario)


def test_what_is_no_gateway_is_told_from_one() -> None:
    async def other(request: web.Request) -> web.Response:
        return web.Response(text="<html>", status=502)

    async def scenario() -> None:
        app = web.Application()
        app.router.add_route("*", "/{path:.*}", other)
        runner = web.AppRunner(app)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        port = runner.addresses[0][1]
        try:
            async with Program("p", f"http://127.0.0.1:{port}") as program:
                with pytest.raises(SandboxProblem, match="502 without JSON"):
                    await program.port()
        finally:
            await runner.cleanup()

    run(scenario)
