from vivavoce.protocol import ErrorDetail, ErrorEvent, to_builtins


def test_an_error_writes_its_unknown_fields_as_null() -> None:
    event = ErrorEvent(event_id="event_1", error=ErrorDetail(type="server_error", message="Out of memory."))
    assert to_builtins(event) == {
        "type": "error",
        "event_id": "event_1",
        "error": {
            "type": "server_error",
            "message": "Out of memory.",
            "code": None,
            "param": None,
            "event_id": None,
        },
    }
