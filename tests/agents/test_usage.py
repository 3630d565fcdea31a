from vivavoce import protocol
from vivavoce.agents import Usage


def test_usage_adds_up_over_responses() -> None:
    used = protocol.Usage(
        total_tokens=30,
        input_tokens=20,
        output_tokens=10,
        input_token_details=protocol.InputTokenDetails(text_tokens=5, audio_tokens=15, cached_tokens=4),
        output_token_details=protocol.OutputTokenDetails(text_tokens=3, audio_tokens=7),
    )
    usage = Usage()
    usage.add(used)
    usage.add(used)
    assert (usage.requests, usage.input_tokens, usage.output_tokens, usage.total_tokens) == (2, 40, 20, 60)
    assert usage.input_tokens_details == {"text": 10, "audio": 30, "image": 0, "cached": 8}
    assert usage.output_tokens_details == {"text": 6, "audio": 14}
