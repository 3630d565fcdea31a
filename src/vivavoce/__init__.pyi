from vivavoce.agents import FunctionTool as FunctionTool
from vivavoce.agents import RealtimeAgent as RealtimeAgent
from vivavoce.agents import RunContextWrapper as RunContextWrapper
from vivavoce.agents import ToolContext as ToolContext
from vivavoce.agents import Usage as Usage
from vivavoce.agents import function_tool as function_tool
from vivavoce.connections import RealtimeModel as RealtimeModel
from vivavoce.connections import RealtimeModelConfig as RealtimeModelConfig
from vivavoce.connections.memory import LocalRealtimeModel as LocalRealtimeModel
from vivavoce.connections.websocket import TransportOptions as TransportOptions
from vivavoce.connections.websocket import WebSocketRealtimeModel as WebSocketRealtimeModel
from vivavoce.conversation.playback import RealtimePlaybackTracker as RealtimePlaybackTracker
from vivavoce.engines.registry import EngineChoice as EngineChoice
from vivavoce.session import RealtimeRunConfig as RealtimeRunConfig
from vivavoce.session import RealtimeRunner as RealtimeRunner
from vivavoce.session import RealtimeSession as RealtimeSession
from vivavoce.session import RealtimeSessionModelSettings as RealtimeSessionModelSettings
from vivavoce.session.events import RealtimeSessionEvent as RealtimeSessionEvent

__version__: str
