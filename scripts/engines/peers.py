"""Other proxies, to measure the gateway beside: nginx, sglang-router and vllm-router, with one engine behind each.

scripts/peers setup                            an environment with the routers (220 MB), and Debian's nginx if there is none
scripts/peers start http://127.0.0.1:8000      start them in front of this engine until Ctrl-C, print --peer NAME=URL:PID for each
scripts/peers start http://127.0.0.1:8000 --only nginx sglang-router

`python -m benchmarks.gateway` starts and ends them itself where they are installed.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path
from urllib.parse import urlsplit

from environment import SCRIPTS, Environment

ENVIRONMENT = Environment("peers", SCRIPTS / "locks" / "peers.lock.txt")
STARTS_WITHIN_S = 60.0
DEBIANS_PATH = os.pathsep.join([os.environ.get("PATH", os.defpath), "/usr/sbin"])
"""Debian's nginx lies where only root looks."""


def main() -> None:
    """The command line."""
    options = _parse()
    if options.command == "setup":
        ENVIRONMENT.make()
        install_nginx()
    else:
        start(options.engine, options.only)


def install_nginx() -> None:
    """With apt, if there is none."""
    if _nginx() is not None:
        return
    install = ("apt-get", "install", "--yes", "--no-install-recommends", "nginx-light")
    if shutil.which("apt-get") is None or os.geteuid() != 0:
        sys.exit(f"error: there is no nginx: install it, on Debian as root with: {' '.join(install)}")
    # Debian starts what it installs, on port 80: nobody asked for that.
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive", "RUNLEVEL": "1"}
    for command in (("apt-get", "update", "--quiet"), install):
        if subprocess.run(command, stdout=subprocess.DEVNULL, env=environment, check=False).returncode:
            sys.exit(f"error: {' '.join(command)} failed")


def start(engine: str, wanted: list[str]) -> None:
    """Run them until this process is told to end; what is not installed is named and left out."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))  # so that a plain kill ends all processes, too
    with contextlib.ExitStack() as ends:
        folder = Path(ends.enter_context(tempfile.TemporaryDirectory(prefix="peers-")))
        started: list[tuple[str, str, subprocess.Popen[bytes]]] = []
        for name in wanted:
            port = _free_port()
            command = COMMANDS[name](engine, port, folder)
            if command is None:
                print(f"{name} is not installed: scripts/peers setup", file=sys.stderr, flush=True)
                continue
            log = ends.enter_context((folder / f"{name}.log").open("wb"))
            # Its own group: Ctrl-C in a terminal comes to us alone.
            process = subprocess.Popen(command, stdout=log, stderr=subprocess.STDOUT, cwd=folder, start_new_session=True)
            ends.callback(_end, process)
            started.append((name, f"http://127.0.0.1:{port}", process))
        for name, url, process in started:
            _wait_until_up(name, url, process, folder / f"{name}.log")
        for name, url, process in started:
            print(f"--peer {name}={url}:{process.pid}", flush=True)
        print(flush=True)  # whoever reads this knows that no more come
        with contextlib.suppress(KeyboardInterrupt):
            signal.pause()


def _nginx_command(engine: str, port: int, folder: Path) -> list[str] | None:
    program = _nginx()
    if program is None:
        return None
    text = (SCRIPTS / "engines" / "nginx.conf").read_text(encoding="utf-8")
    for word, value in {"folder": str(folder), "engine": urlsplit(engine).netloc, "port": str(port)}.items():
        text = text.replace(f"{{{word}}}", value)
    config = folder / "nginx.conf"
    config.write_text(text, encoding="utf-8")
    return [program, "-p", str(folder), "-c", str(config), "-e", "stderr"]


def _sglang_command(engine: str, port: int, folder: Path) -> list[str] | None:
    del folder
    # With its defaults: the policy is cache_aware.
    return _router("sglang_router.launch_router", engine, port, "--policy", "cache_aware", "--log-level", "warn")


def _vllm_command(engine: str, port: int, folder: Path) -> list[str] | None:
    del folder
    # Its cheapest policy that keeps a program with its engine.
    return _router("vllm_router.launch_router", engine, port, "--policy", "consistent_hash", "--log-level", "warning")


def _router(module: str, engine: str, port: int, *more: str) -> list[str] | None:
    if not ENVIRONMENT.ready():
        return None
    address = ["--host", "127.0.0.1", "--port", str(port), "--worker-urls", engine, "--prometheus-port", str(_free_port())]
    return [str(ENVIRONMENT.python), "-m", module, *address, *more]


COMMANDS: dict[str, Callable[[str, int, Path], list[str] | None]] = {
    "nginx": _nginx_command,
    "sglang-router": _sglang_command,
    "vllm-router": _vllm_command,
}


def _nginx() -> str | None:
    return shutil.which("nginx", path=DEBIANS_PATH)


def _wait_until_up(name: str, url: str, process: subprocess.Popen[bytes], log: Path) -> None:
    """Until the engine behind it answers through it."""
    given_up_s = time.monotonic() + STARTS_WITHIN_S
    while time.monotonic() < given_up_s and process.poll() is None:
        with contextlib.suppress(OSError, urllib.error.URLError), urllib.request.urlopen(f"{url}/v1/models", timeout=5):
            return
        time.sleep(0.1)
    shown = log.read_text(encoding="utf-8", errors="replace").splitlines()[-15:]
    sys.exit("\n".join([f"error: {name} did not start in front of the engine", *shown]))


def _end(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    try:
        process.wait(5)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def _free_port() -> int:
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        port: int = listening.getsockname()[1]
        return port


def _parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="scripts/peers", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("setup", help=f"make {ENVIRONMENT.folder}, install nginx; does nothing when all is there")
    starter = commands.add_parser("start", help="start them in front of an engine that answers /v1/models and /health")
    starter.add_argument("engine", help="its URL")
    starter.add_argument("--only", nargs="+", choices=list(COMMANDS), default=list(COMMANDS), help="default: all")
    return parser.parse_args()


if __name__ == "__main__":
    main()
