"""What a client must know of the session that the server reports."""

from __future__ import annotations

from vivavoce.protocol import AudioFormat, RealtimeSession, TurnDetection, UnsetType, present


def output_format(session: RealtimeSession) -> AudioFormat | None:
    """Return the format in which the agent speaks, or ``None`` where the session does not say."""
    audio = present(session.audio, None)
    speaking = present(audio.output, None) if audio is not None else None
    if speaking is None or isinstance(speaking.format, UnsetType):
        return None
    return speaking.format


def input_format(session: RealtimeSession | None) -> AudioFormat | None:
    """Return the format in which the user speaks, or ``None`` where the session does not say."""
    audio = present(session.audio, None) if session is not None else None
    listening = present(audio.input, None) if audio is not None else None
    if listening is None or isinstance(listening.format, UnsetType):
        return None
    return listening.format


def finds_turns(session: RealtimeSession | None) -> bool:
    """Return whether the server finds the user's turns by itself."""
    return _turn_detection(session) is not None


def speech_interrupts(session: RealtimeSession | None) -> bool:
    """Return whether the user's speech stops the agent."""
    detection = _turn_detection(session)
    return detection is None or present(detection.interrupt_response, True)


def turns_are_answered(session: RealtimeSession | None) -> bool:
    """Return whether the server answers the user's turns by itself."""
    detection = _turn_detection(session)
    return detection is None or present(detection.create_response, True)


def _turn_detection(session: RealtimeSession | None) -> TurnDetection | None:
    audio = present(session.audio, None) if session is not None else None
    listening = present(audio.input, None) if audio is not None else None
    return present(listening.turn_detection, None) if listening is not None else None
