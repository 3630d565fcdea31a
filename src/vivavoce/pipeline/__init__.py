"""The local realtime model: a `ServerConversation` driven by engines that listen, think and speak.

What lives here: `LocalSession`, the one loop that waits (feed, drain, send, sleep until the next deadline),
and what it drives: the detector's batch, transcription, the answer (model thinks, synthesiser speaks).
What may not: HTTP, sockets, JSON, and any decision about the conversation, which belongs to `conversation`.
Who may import it: `connections` (for the in-memory model), `server`, and the rooms above them.
"""

from vivavoce.conversation.options import DEFAULT_INSTRUCTIONS, SessionOptions
from vivavoce.engines.speech_model import ServedSession, Sink, SpeechModel
from vivavoce.pipeline.session import LocalSession

__all__ = ["DEFAULT_INSTRUCTIONS", "LocalSession", "ServedSession", "SessionOptions", "Sink", "SpeechModel"]
