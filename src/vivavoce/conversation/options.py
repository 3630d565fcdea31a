"""What the operator of a server decides for every session."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from vivavoce.conversation.prompts import PromptLookup

DEFAULT_INSTRUCTIONS = (
    "You are a helpful, friendly voice agent. Answer in short sentences that are easy to listen to. "
    "Use your tools whenever they can help."
)


@dataclass(frozen=True, slots=True)
class SessionOptions:
    """What the operator of a server decides for every session.

    Attributes:
        model: name that the session reports.
        model_named: the client chose it when it connected. Its first `session.update` may name another in
            any case: stock clients name their default there, whatever their URL says.
        voice: voice unless the client chooses another.
        voices: voices to offer; empty: any will do.
        knows_voice: says whether there is a voice of this name, where there are more than `voices`.
        instructions: instructions unless the client gives its own.
        max_session_s: length of a session, in seconds.
        output_lead_ms: how far ahead of its playback audio is sent.
        max_input_buffer_s: how much uncommitted audio a session may hold, in seconds.
        max_items: how many items a conversation may hold.
        max_items_chars: how many characters they may hold together (texts, pictures, arguments);
            a byte of a created item's audio counts like one until the audio is transcribed.
        retained_audio_bytes: how much of the newest audio is kept for `conversation.item.retrieve`; that of
            the last two items is kept beyond it, see `AudioShelf`. 0 keeps none.
        context_tokens: size of the model's input in tokens; older items are left out of it beyond that.
        transcription_wait_s: how long a response waits for the transcript of what was said, and for the tools
            of an MCP server that it names.
        explain_failures: whether the client is told what an engine said of its failure; a server that others
            use keeps that to its log, as it may name hosts and accounts.
        apology: what the agent says when its model fails in the middle of a spoken turn; empty: nothing.
        created_at: unix time of the session's start, in seconds; `expires_at` follows from it.
        transcription_only: whether this is a transcription session.
        mcp_follow_up: whether the server answers by itself when the MCP calls of a response have been
            settled. The hosted API does not: its clients ask for that response.
        mcp_private_addresses: whether MCP servers may be at addresses that are not public: this machine, the
            local network, a cloud's metadata service.
        mcp_timeout_s: how long an MCP server may take to be reached, to list its tools, and for one call.
        session_warning_s: how long before its end a session tells the client with a `session.updated` that
            nobody asked for, see `SessionUpdated`; 0: never.
        obfuscation: text deltas are padded to lengths that do not give the words away to whoever sees the
            sizes of encrypted frames.
        tokens_per_minute: how many tokens the responses of a session may take in a minute; 0: any number.
            With a bound, `rate_limits.updated` follows the responses of the conversation.
        transcription_honours: which wishes of `session.audio.input.transcription` the transcriber follows:
            `language`, `languages`, `keywords`, `prompt`, `delay`, and `logprobs` (`session.include`).
        transcription_languages: the languages that the transcriber knows, ISO-639-1, where it does not
            follow `language`; empty: unknown.
        transcription_revised: the transcriber's final words may be others than those it told while somebody
            spoke.
        live_transcripts: tell those words nevertheless, as `…transcription.delta`. Otherwise such a
            transcript comes in one piece, because clients join them; a transcription session is told anyway.
        model_honours: which wishes the language model follows: `reasoning` (`session.reasoning`),
            and of the beta dialect `temperature`; without it sessions show none.
        noise_reduction: whether there is something that reduces noise.
        interrupt_after_ms: how long somebody must speak to cut an answer off; what is shorter, like many
            an "uh huh", goes unheard then. 64 is the least, and stops an answer 100 ms after speech begins.
        stored_prompt: finds a stored prompt by id and version; `None`: there are none.
    """

    model: str = "vivavoce-local"
    model_named: bool = True
    voice: str = "alloy"
    voices: tuple[str, ...] = ()
    knows_voice: Callable[[str], bool] | None = None
    instructions: str = DEFAULT_INSTRUCTIONS
    max_session_s: float = 3600.0
    output_lead_ms: int = 500
    max_input_buffer_s: float = 600.0
    max_items: int = 2000
    max_items_chars: int = 32 * 1024 * 1024
    retained_audio_bytes: int = 256 * 1024
    context_tokens: int = 28_224
    transcription_wait_s: float = 15.0
    explain_failures: bool = False
    apology: str = "Sorry, something went wrong. Please say that again."
    created_at: int = 0
    transcription_only: bool = False
    mcp_follow_up: bool = False
    mcp_private_addresses: bool = False
    mcp_timeout_s: float = 30.0
    session_warning_s: float = 60.0
    obfuscation: bool = True
    tokens_per_minute: int = 0
    transcription_honours: frozenset[str] = frozenset()
    transcription_languages: tuple[str, ...] = ()
    transcription_revised: bool = False
    live_transcripts: bool = False
    model_honours: frozenset[str] = frozenset()
    noise_reduction: bool = False
    interrupt_after_ms: int = 64
    stored_prompt: PromptLookup | None = None
