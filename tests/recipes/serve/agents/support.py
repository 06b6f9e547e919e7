"""An address that agents talk to: writes down what it is told."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

from aiohttp import web

T = TypeVar("T")


class Recorder:
    """A gateway as its clients see it. Half of every prompt was cached; the n-th request was held back for n seconds."""

    def __init__(
        self, *, schedules: bool = True, fails_from: int | None = None, models: tuple[str, ...] = ("first", "second")
    ) -> None:
        self.bodies: list[dict[str, Any]] = []
        self.released: list[str] = []
        self.keys: set[str | None] = set()
        self._schedules, self._fails_from, self._models = schedules, fails_from, models

    def run(self, scenario: Callable[[str], Awaitable[T]]) -> T:
        """Serve while the scenario, which gets the address, goes on."""

        async def main() -> T:
            app = web.Application()
            app.add_routes([web.get("/v1/models", self._list), web.post("/v1/chat/completions", self._answer)])
            if self._schedules:
                app.add_routes([web.post("/programs/release", self._release)])
            runner = web.AppRunner(app, shutdown_timeout=0.1)
            await runner.setup()
            try:
                await web.TCPSite(runner, "127.0.0.1", 0).start()
                async with asyncio.timeout(20):
                    return await scenario(f"http://127.0.0.1:{runner.addresses[0][1]}")
            finally:
                await runner.cleanup()

        return asyncio.run(main())

    def of(self, program_id: str) -> list[dict[str, Any]]:
        """The requests of one program."""
        return [body for body in self.bodies if body["program_id"] == program_id]

    async def _list(self, request: web.Request) -> web.Response:
        models = [{"id": name, "object": "model", "created": 0, "owned_by": "x"} for name in self._models]
        return web.json_response({"object": "list", "data": models})

    async def _answer(self, request: web.Request) -> web.Response:
        body = await request.json()
        self.bodies.append(body)
        self.keys.add(request.headers.get("Authorization"))
        if self._fails_from is not None and len(self.bodies) >= self._fails_from:
            return web.json_response({"error": {"message": "no"}}, status=400)
        usage = {"prompt_tokens": 10, "completion_tokens": 1, "total_tokens": 11, "prompt_tokens_details": {"cached_tokens": 5}}
        message = {"role": "assistant", "content": f"answer {len(self.bodies)}"}
        headers = {"X-Thunder-Wait-Ms": f"{1000 * len(self.bodies)}"} if self._schedules else {}
        answer = {"id": "x", "object": "chat.completion", "created": 0, "model": body["model"], "usage": usage}
        return web.json_response(
            {**answer, "choices": [{"index": 0, "message": message, "finish_reason": "stop"}]}, headers=headers
        )

    async def _release(self, request: web.Request) -> web.Response:
        self.released.append((await request.json())["program_id"])
        return web.json_response({})
