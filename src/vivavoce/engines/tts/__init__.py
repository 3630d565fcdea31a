"""Voices: synthesizers, one file per engine, all of the port `engines.base.Synthesizer`.

What lives here: engines that turn text into PCM16 and say when each word is heard.
What may not: pacing, playback positions, wire events.
Who may import it: the engine registry, and through it `pipeline` and the rooms above.
"""
