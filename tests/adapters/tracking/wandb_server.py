"""Stands for W&B's server, as far as runs, views and reports go: what it was sent is remembered."""

from __future__ import annotations

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


class Server:
    """Takes views and reports as W&B's API does, and remembers them; every other question has no answer."""

    def __init__(self, status: int = 200) -> None:
        self.taken: list[dict[str, Any]] = []
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                body = json.dumps(outer.answer(asked)).encode()
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, format: str, *args: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def answer(self, asked: dict[str, Any]) -> dict[str, Any]:
        if "upsertView" not in asked["query"]:
            return {
                "data": {"models": {"edges": [], "pageInfo": {"hasNextPage": False, "endCursor": None}}, "viewer": {"id": "1"}}
            }
        told = asked["variables"]
        self.taken.append(told)
        view = {
            "id": "VmlldzoxMg==",
            "name": told["name"],
            "displayName": told["displayName"],
            "description": "",
            "spec": told["spec"],
        }
        view |= {"type": told["type"], "createdAt": None, "updatedAt": None, "user": None}
        return {"data": {"upsertView": {"view": {**view, "project": {"name": "agents", "entityName": "team"}}, "inserted": True}}}

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
