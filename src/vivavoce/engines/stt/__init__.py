"""Ears: transcribers, one file per engine, all of the port `engines.base.Transcriber`.

What lives here: engines that turn PCM16 into text, and the worker processes they need.
What may not: voice activity, turn-taking, wire events.
Who may import it: the engine registry, and through it `pipeline` and the rooms above.
"""
