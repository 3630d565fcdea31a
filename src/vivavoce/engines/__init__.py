"""The senses and the mind of a local realtime model: hear (VAD, STT), think (LLM), speak (TTS).

What lives here: the ports (`base`), one file per implementation, and the registry that finds them by name.
What may not: the Realtime protocol's state (that is `conversation`), HTTP serving, anything that blocks
the event loop. Heavy imports happen inside the engine that needs them.
Who may import it: `pipeline` and the rooms above it.
"""
