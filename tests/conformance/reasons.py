"""What a session on a desk cannot show, and why: the only part of the table that is written by hand."""

from __future__ import annotations

OWN = "the server's own; session.updated shows what holds"
NO_EFFECT = "has no effect when a client sends it (API reference)"
NO_ANSWERS = "a transcription session gives no answers (API reference)"
RECORD = "a record of the way to a call; what a model reads are calls with their outputs"

ALIASES: set[tuple[str, str]] = {
    ("SemanticVad.eagerness", "'medium'"),
    ("RealtimeSession.parallel_tool_calls", "True"),
}
"""Values that mean what holds without them, though the session then shows them."""

SERVERS_ONLY = {
    "McpListToolsItem",
    "McpListedTool",
    "McpCallItem",
    "McpProtocolError",
    "McpToolExecutionError",
    "McpHttpError",
    "McpApprovalRequestItem",
}
"""Structs of items that only a server makes: none of their fields can come from a client."""

_TRANSCRIPTION = "session.update session[transcription].audio.input.turn_detection"
AS_DEFINED: dict[str, str] = {
    **{
        f"{kind}Session.{name}": OWN
        for kind in ("Realtime", "Transcription")
        for name in ("object", "id", "expires_at")
    },
    **{f"{item}Item.status": NO_EFFECT for item in ("Message", "FunctionCall", "FunctionCallOutput")},
    **{
        f"{_TRANSCRIPTION}[{kind}].{name}_response": NO_ANSWERS
        for kind in ("server_vad", "semantic_vad")
        for name in ("create", "interrupt")
    },
    "response.create response.input[][mcp_list_tools].": RECORD,
    "response.create response.input[][mcp_approval_request].": RECORD,
    "response.create response.input[][mcp_approval_response].": RECORD,
    "response.create response.input[][mcp_call].object": RECORD,
    "response.create response.input[][mcp_call].server_label": RECORD,
    "response.create response.input[][mcp_call].approval_request_id": RECORD,
    "response.create response.input[][mcp_call].error[protocol_error].code": RECORD,
    "response.create response.input[][mcp_call].error[http_error].code": RECORD,
}
"""Fields that are taken and change nothing, because the API says so: fields, or beginnings of places."""

_TRACED = "tests/observe/test_tracing.py::test_labels_that_the_client_gives_its_trace"
ELSEWHERE: dict[str, str] = {
    "RealtimeSession.model": "tests/conversation/test_settings.py::test_a_client_names_the_model_once",
    "RealtimeSession.tracing": _TRACED,
    **{f"TracingConfig.{name}": _TRACED for name in ("workflow_name", "group_id", "metadata")},
}
"""Fields whose effect other tests show: the field, and the test."""

_LEGACY = "of the beta API; this server says it to clients of the beta dialect only"
_PHONE = "of calls over WebRTC and telephone lines"
_BARE = "audio is in conversation.item.retrieved only, as the API has it"
_SECRET = "told to nobody"
_ANSWERS = "no answer of a model is of this kind"
_OWN_WORDS = "an item has it only where a client sent it"
_BEGUN = "a response begins without it"

NEVER_SAID: dict[str, str] = {
    r"^conversation\.(created|item\.created) ": _LEGACY,
    r"temperature$": _LEGACY,
    r"^(output_audio_buffer\.|input_audio_buffer\.dtmf)": _PHONE,
    r"\[mcp\]\.(authorization|headers)$": _SECRET,
    r"\[mcp\]\.(connector_id|tunnel_id)$": "this server refuses them",
    r"^conversation\.item\.(added|done) .*content\[\].*\.audio$": _BARE,
    r"^response\.(content_part|output_item|done).*(content\[\].*|part\[audio\])\.audio$": _BARE,
    r"transcription\.segment ": "no transcriber here tells speakers apart",
    r"transcription\.delta logprobs": "they come with the whole transcript",
    r"transcription\.completed usage\[tokens\]": "transcription is counted in seconds",
    r"transcription\.failed error\.param$": "no field of a client's is to blame",
    r"^response\.created response\.(status_details\.|output\[\]|usage\.)": _BEGUN,
    r"^response\.(output_item\.(added|done) item|done response\.output\[\])"
    r"\[(function_call_output|mcp_list_tools|mcp_approval_\w+)\]": _ANSWERS,
    r"^response\.(output_item|done).*\[input_(text|audio|image)\]": _ANSWERS,
    r"^response\.(output_item|done).*\[mcp_call\]\.error": "a call fails after its response is over",
    r"^response\.output_item\.added .*(content\[\]|approval_request_id)": _BEGUN,
    r"^response\..*\[message\]\.phase$": "no language model here tells remarks from answers",
    r"^conversation\.item\.added item\[mcp_list_tools\]\.tools\[\]": "it is added before its tools are known",
    r"^(response\..*|conversation\.item\.\w+ .*(mcp_list_tools|approval_request))\]\.object$": _OWN_WORDS,
    r"^conversation\.item\.retrieved .*approval_response\]\.object$": _OWN_WORDS,
}
"""What this server never says, as a pattern of event and field, and why. What it says is not in it."""
