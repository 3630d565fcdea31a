"""Pure audio arithmetic: G.711, resampling, framing, levels and WAV, all on mono PCM16 little-endian bytes.

Lives here: functions and small stateful objects that turn bytes into bytes or numbers. Not here: devices,
sockets, clocks, and anything that knows the Realtime API. Any room above `protocol` may import it.
"""
