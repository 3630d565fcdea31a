"""Engines that say whether somebody who pauses has finished.

What may not live here: decisions about the turn, which belong to `conversation`.
Who may import it: `pipeline` and the rooms above it.
"""
