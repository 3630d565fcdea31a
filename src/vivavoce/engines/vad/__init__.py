"""Voice activity detectors: implementations of `engines.base.VoiceActivityDetector`, one file each.

What lives here: networks and the readers of their weights, in numpy. What may not: deciding when a turn
starts or ends (that is `conversation`), threads, audio devices. Who may import it: the registry of `engines`
and the rooms above.
"""
