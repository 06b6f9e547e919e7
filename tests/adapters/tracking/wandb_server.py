"""Stands for W&B's server, as far as runs, views and reports go: what it was sent is remembered."""

from __future__ import annotations

import gzip
import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

NOTHING: dict[str, Any] = {
    "data": {"models": {"edges": [], "pageInfo": {"hasNextPage": False, "endCursor": None}}, "viewer": {"id": "1"}}
}


class Server:
    """Takes what W&B's clients send; what it is asked for, beyond that, has no answer. No artifacts."""

    def __init__(self, status: int = 200) -> None:
        """``status``: of every answer."""
        self.views: list[dict[str, Any]] = []
        """Variables with which views and reports were sent."""
        self.history: list[dict[str, Any]] = []
        """Rows of all runs."""
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                sent = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                if self.headers.get("Content-Encoding") == "gzip":
                    sent = gzip.decompress(sent)
                asked = {} if self.path.startswith("/upload/") else json.loads(sent or b"{}")
                body = json.dumps(outer.answer(self.path, asked)).encode()
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            do_PUT = do_GET = do_POST

            def log_message(self, format: str, *args: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()

    def answer(self, path: str, sent: dict[str, Any]) -> dict[str, Any]:
        """To one request."""
        if path.endswith("/file_stream"):
            lines = (sent.get("files") or {}).get("wandb-history.jsonl", {}).get("content", [])
            self.history += [json.loads(line) for line in lines]
            return {}
        query, told = sent.get("query", ""), sent.get("variables") or {}
        if "upsertBucket" in query:
            project = {"id": "UHJvamVjdA", "name": told["project"], "entity": {"id": "RW50", "name": told["entity"]}}
            bucket = {"id": "QnVja2V0", "name": told["name"], "displayName": "x", "historyLineCount": 0, "project": project}
            return {"data": {"upsertBucket": {"bucket": bucket, "inserted": True}}}
        if "createRunFiles" in query:
            files = [{"name": name, "uploadUrl": f"{self.url}/upload/{name}"} for name in told["files"]]
            return {"data": {"createRunFiles": {"runID": "QnVja2V0", "uploadHeaders": [], "files": files}}}
        if "upsertView" in query:
            self.views.append(told)
            view = {"id": "VmlldzoxMg==", "name": told["name"], "displayName": told["displayName"], "spec": told["spec"]}
            view |= {"description": "", "type": told["type"], "createdAt": None, "updatedAt": None, "user": None}
            view |= {"project": {"name": told["projectName"], "entityName": told["entityName"]}}
            return {"data": {"upsertView": {"view": view, "inserted": True}}}
        return NOTHING
