"""The human's end: where speech comes in, where the agent is heard, and how much of it was heard.

What lives here: the port `Line`, what carries a line's audio to a session and back (`bridge`), and the parts
that lines are made of: a queue for the ear, a tape; and lines: a person in a browser.
What may not: what the conversation means; sessions and connections are known only by the methods used here.
Who may import it: `session` and above, `testing`, `cli`, and programs with a line of their own.
"""

from vivavoce.lines.base import Line
from vivavoce.lines.bridge import Voice, bridge
from vivavoce.lines.playback import Heard, PlaybackBuffer, PlayedPiece
from vivavoce.lines.tape import Tape
from vivavoce.lines.webrtc import BrowserLine

__all__ = ["BrowserLine", "Heard", "Line", "PlaybackBuffer", "PlayedPiece", "Tape", "Voice", "bridge"]
