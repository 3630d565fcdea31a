"""Media and messages over WebRTC: the one room that knows aiortc (extra `webrtc`).

What lives here: a peer connection with a voice each way and a data channel; packets on their way to samples.
What may not: what the messages mean; sessions, events of the Realtime API, HTTP.
Who may import it: `connections`, `lines`, `server`, `web`.
"""

from vivavoce.webrtc.config import IceServer, RtcConfig
from vivavoce.webrtc.peer import PeerEvents, RtcPeer

__all__ = ["IceServer", "PeerEvents", "RtcConfig", "RtcPeer"]
