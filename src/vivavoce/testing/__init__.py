"""What tests of voice programs need, for this project's own tests and for its users'.

What lives here: the virtual clock (`run`, `VirtualClockLoop`), a caller made of clips and a script
(`SimulatedCaller`), and stand-ins for the parts of a session that a test wants to script.
What may not: anything a running program needs, pytest itself, real waiting.
Who may import it: tests and `cli`; no other room.
"""

from vivavoce.testing.caller import Said, SimulatedCaller
from vivavoce.testing.caller_script import After, AgentFinished, AgentSpeaking, Clip, Ear, HangUp, Say
from vivavoce.testing.clock import VirtualClockLoop, run

__all__ = [
    "After",
    "AgentFinished",
    "AgentSpeaking",
    "Clip",
    "Ear",
    "HangUp",
    "Said",
    "Say",
    "SimulatedCaller",
    "VirtualClockLoop",
    "run",
]
