"""A gateway on one host, engines on others, clients on one more: all as processes, on a network that tests can break."""

from __future__ import annotations

import asyncio
import contextlib
import json
import socket
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from recipes.common.tokenizer import byte_tokenizer
from tests.adapters.gateway.reliability.apis import CHAT
from tests.adapters.gateway.reliability.client import Answer, Client
from tests.hosts.network import Host, Network

CHECKOUT = Path(__file__).parents[2]
ENGINE_PORT, LINK_PORT, SCHEDULER_PORT, GATEWAY_PORT = 8000, 8298, 8299, 8300
TOKENS_PER_S = 50.0
"""Of an engine, which answers with the message that it got, a token for each character: how long a turn runs is told by that."""
KEY = "let-me-in"
ESTABLISHED = "01"
"""In /proc/net/tcp."""
STARTS_WITHIN_S = 40.0
LOST_WITHIN_S = 16.0
"""Two looks of 5 s and what is between them, and room for a busy machine."""
PATIENCE_S = 30.0


@dataclass
class Service:
    """A process that serves on a host."""

    host: Host
    process: subprocess.Popen[bytes]
    url: str
    port_file: Path

    async def until_up(self) -> None:
        """Wait until it has said so."""
        async with asyncio.timeout(STARTS_WITHIN_S):
            while not self.port_file.exists():
                assert self.process.poll() is None, f"{self.url} did not start"
                await asyncio.sleep(0.05)

    def connections(self, peer: Host) -> int:
        """TCP connections of its host with another one that are up, as its own kernel sees them."""
        rows = [row.split() for row in Path(f"/proc/{self.process.pid}/net/tcp").read_text().splitlines()[1:]]
        address = f"{int.from_bytes(socket.inet_aton(peer.address), 'little'):08X}"
        return sum(state == ESTABLISHED and remote.startswith(address) for _, _, remote, state, *_ in rows)


@dataclass
class Cluster:
    """Made by the fixture ``cluster``. Whoever calls its async methods is on the clients' host, unless he says otherwise."""

    folder: Path
    network: Network
    clients: Host
    gateway: Service = field(init=False)
    engines: list[Service] = field(default_factory=list)

    def start_engine(self, host: Host, *, address: str = "") -> Service:
        """A simulated engine; ``address``: if the host has another one meanwhile."""
        tokenizer = self.folder / "tokenizer"
        if not tokenizer.exists():
            tokenizer.mkdir()
            byte_tokenizer().save(str(tokenizer / "tokenizer.json"))
        options = ("--tokenizer", str(tokenizer), "--decode-step-s", str(1 / TOKENS_PER_S), "--decode-s-per-kv-token", "0")
        return self._start(host, address or host.address, ENGINE_PORT, "thunderagent.adapters.engines.simulated", *options)

    async def start(self, *options: str, engines: int = 2) -> None:
        """Engines, and a gateway before them."""
        arguments = ("serve", *self._start_engines(engines), *options)
        host = self.network.host()
        self.gateway = self._start(host, host.address, GATEWAY_PORT, "thunderagent", *arguments)
        await self._until_all_are_up(self.gateway)

    async def start_apart(self, gateways: int = 2, engines: int = 2) -> tuple[Service, list[Service]]:
        """Engines, a scheduler, and gateways of it, each on a host of its own."""
        host = self.network.host()
        address = f"tcp:{host.address}:{LINK_PORT}"
        scheduler = self._start(
            host, host.address, SCHEDULER_PORT, "thunderagent", "scheduler", "--listen", address, *self._start_engines(engines)
        )
        await scheduler.until_up()
        hosts = [self.network.host() for _ in range(gateways)]
        served = [self._start(h, h.address, GATEWAY_PORT, "thunderagent", "serve", "--scheduler", address) for h in hosts]
        self.gateway = served[0]
        await self._until_all_are_up(*served)
        return scheduler, served

    def _start_engines(self, number: int) -> tuple[str, ...]:
        self.engines = [self.start_engine(self.network.host()) for _ in range(number)]
        return "--backends", ",".join(engine.url for engine in self.engines), "--metrics-interval", "0.2s"

    async def _until_all_are_up(self, *others: Service) -> None:
        await asyncio.gather(*(service.until_up() for service in (*self.engines, *others)))
        await self.until_up(*(engine.url for engine in self.engines))

    def _start(self, host: Host, address: str, port: int, module: str, *options: str) -> Service:
        name = f"{address}-{host.number}-{module}"
        port_file = self.folder / f"{name}.url"
        command = (sys.executable, "-m", module, *options, "--host", address, "--port", str(port), "--port-file", str(port_file))
        with (self.folder / f"{name}.log").open("ab") as log:
            variables = {"PYTHONPATH": str(CHECKOUT), "THUNDERAGENT_ADMIN_KEY": KEY, "THUNDERAGENT_LINK_TOKEN": KEY}
            return Service(host, host.start(*command, log=log, **variables), f"http://{address}:{port}", port_file)

    # Turns

    @contextlib.asynccontextmanager
    async def connected(self, host: Host | None = None, gateway: Service | None = None) -> AsyncIterator[Client]:
        """To a gateway (the first one), from ``host`` if not from the clients'."""
        with contextlib.nullcontext() if host is None else host.inside():
            client = await Client.connect(GATEWAY_PORT, (gateway or self.gateway).host.address)
        try:
            yield client
        finally:
            client.vanish()

    async def turn(
        self, program_id: str, seconds: float = 0.1, *, stream: bool = False, gateway: Service | None = None
    ) -> Answer:
        """One turn that runs for so long, and its whole answer."""
        async with self.connected(gateway=gateway) as client:
            await client.send(body(program_id, seconds, stream=stream))
            return await client.answer()

    async def turn_with_retries(self, program_id: str, seconds: float = 0.1) -> Answer:
        """As clients' SDKs do it."""
        async with asyncio.timeout(PATIENCE_S):
            while (answer := await self.turn(program_id, seconds)).status in (429, 502, 503, 504):  # noqa: ASYNC110 - as told
                await asyncio.sleep(answer.retry_after_s if "retry-after" in answer.headers else 0.1)
        return answer

    # Looks

    async def get(self, path: str, host: Host | None = None, gateway: Service | None = None) -> Any:
        """A view of a gateway."""
        async with self.connected(host, gateway) as client:
            await client.write(f"GET {path} HTTP/1.1\r\nhost: gateway\r\nx-api-key: {KEY}\r\n\r\n".encode())
            answer = await client.answer()
        assert answer.headers.get("content-type") == "application/json", (path, answer)
        return answer.json

    async def manage(self, method: str, path: str, **fields: Any) -> int:
        """Status of a request to management."""
        async with self.connected() as client:
            headers = f"x-api-key: {KEY}\r\ncontent-type: application/json\r\n"
            await client.send(json.dumps(fields).encode(), path, headers=headers, method=method)
            return (await client.answer()).status

    async def workers(self, host: Host | None = None) -> dict[str, Any]:
        """By URL."""
        return {worker["url"]: worker for worker in (await self.get("/workers", host))["workers"]}

    async def up(self) -> set[str]:
        """URLs of engines that get turns."""
        return {url for url, worker in (await self.workers()).items() if worker["healthy"]}

    async def until_up(self, *urls: str) -> None:
        """Wait until these engines are up, and no others."""

        async def are_up() -> bool:
            return await self.up() == {*urls}

        await until(are_up)

    async def left(self, host: Host | None = None) -> dict[str, int]:
        """What runs and waits, as the gateway sees it: all zero when nothing does."""
        programs = await self.get("/programs", host)
        return {
            "running": sum(worker["in_flight"] for worker in (await self.workers(host)).values()),
            "waiting": sum(program["waiting_turns"] for program in programs.values()),
            "reasoning": sum(program["status"] == "reasoning" for program in programs.values()),
        }

    async def until_nothing_is_left(self, host: Host | None = None) -> None:
        """Wait for it."""
        await until(lambda: self._nothing(host))

    async def _nothing(self, host: Host | None) -> bool:
        return not any((await self.left(host)).values())

    async def running_at(self, engine: Service, host: Host | None = None) -> int:
        """Requests, as the engine itself sees them."""
        with contextlib.nullcontext() if host is None else host.inside():
            client = await Client.connect(ENGINE_PORT, engine.host.address)
        text = (await client.get("/metrics")).body.decode()
        client.vanish()
        return sum(int(float(line.split()[-1])) for line in text.splitlines() if line.startswith("vllm:num_requests_running{"))


def body(program_id: str, seconds: float, *, stream: bool) -> bytes:
    """Of a turn that runs for so long."""
    message = {"role": "user", "content": "x" * max(1, round(seconds * TOKENS_PER_S))}
    return json.dumps({"model": "simulated", "messages": [message], "stream": stream, "program_id": program_id}).encode()


def is_whole(answer: Answer) -> bool:
    """A stream that came to its end."""
    return answer.status == 200 and answer.whole and answer.body.rstrip().endswith(b"data: [DONE]")


async def until(holds: Callable[[], Awaitable[bool]], within_s: float = PATIENCE_S) -> float:
    """Wait, and tell for how long."""
    began_s = time.monotonic()
    async with asyncio.timeout(within_s):
        while not await holds():  # noqa: ASYNC110 - it is other processes
            await asyncio.sleep(0.1)
    return time.monotonic() - began_s


__all__ = ["CHAT", "Cluster", "Service", "body", "is_whole", "until"]
