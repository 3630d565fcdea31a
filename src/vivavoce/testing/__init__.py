"""What tests of voice programs need, for this project's own tests and for its users'.

What lives here: the virtual clock (`run`, `VirtualClockLoop`), models that follow a script
(`ScriptedRealtimeModel` for events, `local_test_model` for audio, `ScriptedServer` for clients of any make),
a caller who speaks, hears and interrupts (`SimulatedCaller`), and a bad network (`LossyLink`).
What may not: anything a running program needs, pytest itself, real waiting.
Who may import it: tests and `cli`; no other room.
"""

from vivavoce.engines.scripted import Pause
from vivavoce.testing.answers import (
    Answer,
    UserTurn,
    failed,
    one_response,
    spoken,
    tool_call,
    user_says,
    written,
)
from vivavoce.testing.caller import Said, SimulatedCaller, speak_clip, tone_clip
from vivavoce.testing.caller_script import (
    After,
    AgentFinished,
    AgentSaid,
    AgentSpeaking,
    Clip,
    Ear,
    HangUp,
    Say,
)
from vivavoce.testing.clock import VirtualClockLoop, run
from vivavoce.testing.local import local_test_model
from vivavoce.testing.lossy_link import LinkConditions, LossyLink, without_candidates
from vivavoce.testing.scripted_model import (
    ConnectCall,
    RealtimeScriptError,
    RealtimeStep,
    ScriptedRealtimeModel,
    UnconsumedRealtimeSteps,
    UnexpectedRealtimeSend,
)
from vivavoce.testing.scripted_server import ScriptedServer

__all__ = [
    "After",
    "AgentFinished",
    "AgentSaid",
    "AgentSpeaking",
    "Answer",
    "Clip",
    "ConnectCall",
    "Ear",
    "HangUp",
    "LinkConditions",
    "LossyLink",
    "Pause",
    "RealtimeScriptError",
    "RealtimeStep",
    "Said",
    "Say",
    "ScriptedRealtimeModel",
    "ScriptedServer",
    "SimulatedCaller",
    "UnconsumedRealtimeSteps",
    "UnexpectedRealtimeSend",
    "UserTurn",
    "VirtualClockLoop",
    "failed",
    "local_test_model",
    "one_response",
    "run",
    "speak_clip",
    "spoken",
    "tone_clip",
    "tool_call",
    "user_says",
    "without_candidates",
    "written",
]
