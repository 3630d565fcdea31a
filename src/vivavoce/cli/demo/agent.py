"""The demo's agent: what an application would write. Its tools look into small made-up tables."""

from __future__ import annotations

from typing import Any

from vivavoce import RealtimeAgent, function_tool

INSTRUCTIONS = """\
You are the travel desk of a small railway. You are on the phone: answer in one or two short spoken sentences,
without lists or markup. Look up weather and trains with your tools; never guess them. When you have found
trains, read out all of them. When the caller says goodbye, say goodbye.
"""

_WEATHER = {
    "london": "cloudy with light rain, and 14 degrees",
    "paris": "sunny, with a gentle wind, and 21 degrees",
    "berlin": "windy, with some sun, and 17 degrees",
    "rome": "clear and hot, with 29 degrees",
}

_TRAINS = {
    "london": (
        "There are four trains to London tomorrow. The first leaves at 8 from platform 2 and arrives at 10. "
        "The second leaves at 11 and is the fastest of all. The third leaves at 3 in the afternoon, with a "
        "change in Reading. The last one leaves at 9 in the evening."
    ),
    "paris": "There are two trains to Paris tomorrow. One leaves at 7 in the morning, the other at noon.",
}


@function_tool
def get_weather(city: str) -> str:
    """Get tomorrow's weather in a city.

    Args:
        city: Name of the city.
    """
    forecast = _WEATHER.get(city.lower())
    return f"Tomorrow in {city} it will be {forecast}." if forecast else f"There is no forecast for {city}."


@function_tool
def find_trains(city: str) -> str:
    """Find tomorrow's trains to a city.

    Args:
        city: Where the trains go.
    """
    return _TRAINS.get(city.lower(), f"There are no trains to {city} tomorrow.")


def travel_desk() -> RealtimeAgent[Any]:
    """Return the agent."""
    return RealtimeAgent(name="Travel desk", instructions=INSTRUCTIONS, tools=[get_weather, find_trains])
