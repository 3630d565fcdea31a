"""Measurements of vivavoce, run by `python -m bench`; see README.md. Nothing imports them."""

import os

# Before numpy is imported anywhere: as `vivavoce serve` does, see vivavoce.engines.vad.silero.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
