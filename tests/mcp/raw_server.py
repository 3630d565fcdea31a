"""An MCP server of a few lines, started by the tests as a child process; it misbehaves on request.

Without the package `mcp`: it starts in no time, and speaks the protocol from before 2026-07-28.
Flags: ``--garbage`` prints what is no message first; ``--deaf`` ignores the end of its input and SIGTERM;
``--mute`` answers nothing at all; ``--family`` starts a process of its own and tells its number on request.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

TOOLS = ["echo", "pid", "hang", "die", "say_on_stderr", "add_tool", "slow_list", "environment"]
SLOW: list[str] = []
family = (
    subprocess.Popen([sys.executable, "-Sc", "input()"], stdin=subprocess.PIPE)
    if "--family" in sys.argv
    else None
)


def send(message: dict[str, Any]) -> None:
    sys.stdout.write(json.dumps({"jsonrpc": "2.0", **message}) + "\n")
    sys.stdout.flush()


def call(name: str, arguments: dict[str, Any]) -> str | None:
    if name == "echo":
        return str(arguments["text"])
    if name == "pid":
        return f"{os.getpid()} {family.pid if family else 0}"
    if name == "die":
        os.kill(os.getpid(), signal.SIGKILL)
    if name == "say_on_stderr":
        sys.stderr.write("something went wrong over here\n")
        sys.stderr.flush()
        return "said"
    if name == "add_tool":
        TOOLS.append("added")
        send({"method": "notifications/tools/list_changed"})
        return "added"
    if name == "slow_list":
        SLOW.append("tools/list")
        return "from now on"
    if name == "environment":
        return json.dumps(
            {"cwd": str(Path.cwd()), "HELLO": os.environ.get("HELLO"), "all": sorted(os.environ)}
        )
    return None  # hang


def result(method: str, params: dict[str, Any]) -> dict[str, Any] | None:
    if method == "initialize":
        server = {"name": "raw", "version": "1"}
        tools = {"tools": {"listChanged": True}}
        return {"protocolVersion": "2025-06-18", "capabilities": tools, "serverInfo": server}
    if method == "tools/list":
        if method in SLOW:
            return None
        return {"tools": [{"name": name, "inputSchema": {"type": "object"}} for name in TOOLS]}
    if method == "tools/call":
        text = call(params["name"], params.get("arguments") or {})
        return None if text is None else {"content": [{"type": "text", "text": text}]}
    raise LookupError(method)


def serve() -> None:
    for line in sys.stdin:
        message = json.loads(line)
        if "id" not in message or "--mute" in sys.argv:
            continue
        try:
            answer = result(message["method"], message.get("params") or {})
        except LookupError as error:
            send({"id": message["id"], "error": {"code": -32601, "message": f"no method {error}"}})
        else:
            if answer is not None:
                send({"id": message["id"], "result": answer})


if "--garbage" in sys.argv:
    sys.stdout.buffer.write(b"Welcome!\n\xff\xfe\x00\n{}\n[1, 2\n\n" + b"x" * 200_000 + b"\n")
if "--deaf" in sys.argv:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
serve()
while "--deaf" in sys.argv:
    signal.pause()
