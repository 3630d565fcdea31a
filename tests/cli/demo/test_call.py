from __future__ import annotations

import asyncio
import shutil
import subprocess
import sys

import pytest

from vivavoce import EngineChoice, RealtimeSession
from vivavoce.cli.demo import call as module
from vivavoce.cli.demo import clips
from vivavoce.cli.demo.call import TURNS, CallOptions, DemoCall, make_caller
from vivavoce.errors import CallerTimeoutError, ConnectionLostError
from vivavoce.testing import After, HangUp, Say, SimulatedCaller


async def nobody_watches(session: RealtimeSession, caller: SimulatedCaller) -> None:
    await asyncio.Event().wait()


def test_the_caller_speaks_as_often_as_is_expected() -> None:
    assert len(clips.CLIPS) == TURNS
    for patient in (False, True):
        caller = make_caller(patient=patient)
        assert (caller.sample_rate, caller.said) == (24_000, [])


@pytest.mark.local
@pytest.mark.parametrize("transport", ["memory", "websocket"])
def test_a_short_call_over_either_way_ends_with_everything_in_hand(transport: str) -> None:
    caller = SimulatedCaller([HangUp(After(0.3))])
    call = DemoCall(CallOptions("websocket" if transport == "websocket" else "memory"), caller)
    asyncio.run(call.run(nobody_watches))
    assert call.history == []
    assert caller.tape.seconds == pytest.approx(0.3, abs=0.05)
    assert call.model is not None
    types = [entry.event.type for entry in call.model.log]
    assert types[:3] == ["session.created", "session.update", "session.updated"]
    assert types.count("input_audio_buffer.append") == pytest.approx(15, abs=2)


@pytest.mark.local
def test_a_caller_who_waits_in_vain_ends_the_call_with_their_own_words() -> None:
    caller = SimulatedCaller([Say(clips.load("goodbye"), After(60), timeout_s=0.2)])
    call = DemoCall(CallOptions(), caller)
    with pytest.raises(CallerTimeoutError, match=r"for 60 s to pass before they could say 'Thank you"):
        asyncio.run(call.run(nobody_watches))
    assert caller.tape.seconds > 0.2


def test_a_server_that_does_not_start_is_reported_with_its_words(monkeypatch: pytest.MonkeyPatch) -> None:
    false = shutil.which("false")
    assert false is not None
    monkeypatch.setattr(sys, "executable", false)
    call = DemoCall(CallOptions("websocket"), make_caller())
    with pytest.raises(ConnectionLostError, match=r"server did not start within 30 s\. It said: nothing"):
        asyncio.run(call.run(nobody_watches))


def test_the_server_gets_the_model_by_option_and_the_key_by_environment(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    started: list[tuple[tuple[str, ...], str | None]] = []

    async def refuse(*command: str, env: dict[str, str], **_: object) -> None:
        started.append((command, env.get("VIVAVOCE_LLM_API_KEY")))
        raise OSError("no more processes")

    monkeypatch.setattr(asyncio, "create_subprocess_exec", refuse)
    engines = EngineChoice(llm_url="http://127.0.0.1:1/v1", llm_model="tiny", llm_api_key="sk-secret")
    with pytest.raises(OSError, match="no more processes"):
        asyncio.run(DemoCall(CallOptions("websocket", engines), make_caller()).run(nobody_watches))
    [(command, key)] = started
    assert command[-4:] == ("--llm", "http://127.0.0.1:1/v1", "--llm-model", "tiny")
    assert "sk-secret" not in " ".join(command)
    assert key == "sk-secret"


def test_a_server_that_does_not_end_when_asked_is_killed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "END_S", 0.05)
    ignore = "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN)"
    stubborn = f"{ignore}; print('up', flush=True); signal.pause()"

    async def main() -> int | None:
        process = await asyncio.create_subprocess_exec(sys.executable, "-c", stubborn, stdout=subprocess.PIPE)
        assert process.stdout is not None
        await process.stdout.readline()
        await module._end(process)
        await module._end(process)
        return process.returncode

    assert asyncio.run(main()) == -9
