from __future__ import annotations

import asyncio
import sys
from pathlib import Path
from typing import Any

import pytest

from vivavoce.agents import RealtimeAgent, function_tool
from vivavoce.cli import EXIT_FAILED, main
from vivavoce.cli.replay import EXIT_DIFFERENT
from vivavoce.connections.memory import LocalRealtimeModel
from vivavoce.engines.base import FunctionCallDelta
from vivavoce.engines.scripted import scripted_engines
from vivavoce.observe.recorder import SessionRecorder
from vivavoce.session import RealtimeRunner
from vivavoce.testing import run

APP = """
from vivavoce import RealtimeAgent, function_tool

@function_tool
def get_weather(city: str) -> str:
    "Get the weather."
    return f"It is {weather} in {city}."

@function_tool(needs_approval=True)
def delete_all() -> str:
    "Delete everything."
    return "Gone."

weather = "sunny"
agent = RealtimeAgent("Ada", "Be kind.", tools=[get_weather, delete_all])

def foggy():
    global weather
    weather = "foggy"
    return agent

config = {"model_settings": {"voice": "cedar"}}
number = 7

class Inside:
    agent = agent
"""


@function_tool
def get_weather(city: str) -> str:
    """Get the weather."""
    return f"It is sunny in {city}."


@function_tool(needs_approval=True)
def delete_all() -> str:
    """Delete everything."""
    return "Gone."


async def record(folder: Path, *calls: FunctionCallDelta) -> Path:
    answers: list[Any] = [*[[call] for call in calls], ["Here you are."]]
    recorder = SessionRecorder(folder / "call")
    agent = RealtimeAgent[Any]("Ada", "Be kind.", tools=[get_weather, delete_all])
    runner = RealtimeRunner(agent, model=LocalRealtimeModel(scripted_engines(answers=answers)))
    async with recorder, await runner.run(observers=[recorder]) as session:
        await session.send_message("Please help me.")
        async for event in session:
            if event.type == "tool_approval_required":
                await session.approve_tool_call(event)
            elif event.type == "playback_ended":
                break
    return recorder.events_path


@pytest.fixture
def app(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a program in it, in which the command is run."""
    (tmp_path / "replay_test_app.py").write_text(APP)
    monkeypatch.chdir(tmp_path)
    monkeypatch.delitem(sys.modules, "replay_test_app", raising=False)
    return tmp_path


@pytest.fixture
def call(app: Path) -> str:
    return str(run(record(app, FunctionCallDelta(0, "get_weather", '{"city": "Oslo"}'))))


CONVERSATION = """\
You:   Please help me.
       calls get_weather({"city": "Oslo"})
       → It is sunny in Oslo.
Agent: Here you are.
"""


def test_without_an_agent_the_conversation_is_shown(call: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["replay", call]) == 0
    assert capsys.readouterr().out == CONVERSATION


@pytest.mark.parametrize("name", ["agent", "Inside.agent"])
def test_the_same_agent_does_the_same(name: str, call: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["replay", call, "--fast", "--agent", f"replay_test_app:{name}"]) == 0
    assert capsys.readouterr().out == f"{CONVERSATION}\nThe same as in the recording.\n"


def test_differences_are_listed_and_give_an_exit_code(call: str, capsys: pytest.CaptureFixture[str]) -> None:
    config = ["--config", "replay_test_app:config"]
    assert (
        main(["replay", call, "--speed", "50", "--agent", "replay_test_app:foggy", *config]) == EXIT_DIFFERENT
    )
    report = capsys.readouterr().out.removeprefix(CONVERSATION)
    assert "2 differences from the recording:" in report
    assert "session.update audio" in report
    assert "recorded 'It is sunny in Oslo.', now 'It is foggy in Oslo.'" in report
    ignore = ["--ignore", "session.update", "--agent", "replay_test_app:foggy"]
    assert main(["replay", call, "--fast", *ignore]) == EXIT_DIFFERENT
    assert "1 difference from the recording:" in capsys.readouterr().out


@pytest.mark.parametrize(("option", "code"), [(["--approve"], 0), ([], EXIT_DIFFERENT)])
def test_calls_that_need_approval_wait_for_the_user(option: list[str], code: int, app: Path) -> None:
    call = str(run(record(app, FunctionCallDelta(0, "delete_all", "{}"))))
    assert main(["replay", call, "--fast", "--agent", "replay_test_app:agent", *option]) == code


def test_an_interruption_is_done_again(app: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = "One two three four five six seven eight nine ten."

    async def interrupted() -> Path:
        recorder = SessionRecorder(app / "call")
        model = LocalRealtimeModel(scripted_engines(answers=[[words]]))
        async with (
            recorder,
            await RealtimeRunner(RealtimeAgent[Any]("Ada"), model=model).run(observers=[recorder]) as session,
        ):
            await session.send_message("Count.")
            async for event in session:
                if event.type == "audio":
                    break
            await asyncio.sleep(0.7)
            await session.interrupt()
            await session.send_message("Thank you.")
            await asyncio.sleep(1)
        return recorder.events_path

    call = str(run(interrupted()))
    assert main(["replay", call]) == 0
    said = capsys.readouterr().out.splitlines()
    assert said[0] == "You:   Count."
    assert said[1].startswith("Agent: One two")
    assert words not in said[1]
    assert said[2] == "You:   Thank you."


def test_a_recording_that_breaks_off_is_still_shown(call: str, capsys: pytest.CaptureFixture[str]) -> None:
    with Path(call).open("a") as file:
        file.write('{"t": 9, "from"')
    assert main(["replay", call]) == 0
    said = capsys.readouterr()
    assert said.out == CONVERSATION
    assert "breaks off" in said.err


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["none.jsonl"], "none.jsonl: cannot be read: No such file"),
        (["replay_test_app.py"], "line 2: no JSON"),
        (["CALL", "--agent", "replay_test_app"], "not of the form MODULE:NAME"),
        (["CALL", "--agent", "no_such_module:agent"], "cannot be loaded: ModuleNotFoundError"),
        (["CALL", "--agent", "replay_test_app:nobody"], "cannot be loaded: AttributeError"),
        (["CALL", "--agent", "replay_test_app:number"], "is 7; it must be a RealtimeAgent"),
        (["CALL", "--agent", "replay_test_app:agent", "--config", "replay_test_app:number"], "--config"),
        (["CALL", "--agent", "replay_test_app:agent", "--ignore", "all"], "cannot ignore all"),
        (["CALL", "--agent", "replay_test_app:agent", "--speed", "0"], "speed is 0"),
    ],
)
def test_what_cannot_be_used_is_told(
    arguments: list[str], complaint: str, call: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["replay", *[call if one == "CALL" else one for one in arguments]]) == EXIT_FAILED
    assert complaint in capsys.readouterr().err
