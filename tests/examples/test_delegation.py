"""The example of delegation runs, with a language model that is a script."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest

EXAMPLE = Path(__file__).parents[2] / "examples" / "delegation.py"
DECISION = {"reasoning": "They arrived broken.", "refund_approved": True}

pytestmark = [pytest.mark.local, pytest.mark.clients]


class Expert(BaseHTTPRequestHandler):
    """Answers every request with the decision."""

    asked: list[Any]

    def do_POST(self) -> None:
        self.asked.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
        choice = {"index": 0, "delta": {"content": json.dumps(DECISION)}, "finish_reason": "stop"}
        chunk = {
            "id": "c",
            "object": "chat.completion.chunk",
            "created": 1,
            "model": "m",
            "choices": [choice],
        }
        body = f"data: {json.dumps(chunk)}\n\ndata: [DONE]\n\n".encode()
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: Any) -> None:
        """Keep quiet."""


@pytest.fixture
def expert() -> Iterator[tuple[str, list[Any]]]:
    """The URL of the expert's model, and what it was asked."""
    asked: list[Any] = []
    handler = type("Asked", (Expert,), {"asked": asked})
    with HTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}/v1", asked
        server.shutdown()
        thread.join()


def test_the_expert_decides_on_the_conversation(expert: tuple[str, list[Any]]) -> None:
    url, asked = expert
    environment = {"OPENAI_BASE_URL": url, "OPENAI_API_KEY": "sk-test", "OPENAI_DEFAULT_MODEL": "m"}
    done = subprocess.run(
        [sys.executable, str(EXAMPLE), "I request a refund, my shoes came broken."],
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        timeout=40,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "refund_approved=True" in done.stdout
    assert "Agent: " in done.stdout
    question = asked[0]["messages"][-1]["content"]
    assert "The request is: shoes came broken" in question
    assert "my shoes came broken." in question.split("conversation history:")[1]
    assert asked[0]["response_format"]["type"] == "json_schema"
