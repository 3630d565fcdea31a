"""`ModelSettings`: how a language model is to answer."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, Self

from vivavoce.errors import ConfigurationError

_MERGED = ("extra_query", "extra_body", "extra_headers", "extra_args")
_RANGES = {
    "temperature": (0.0, 2.0),
    "top_p": (0.0, 1.0),
    "frequency_penalty": (-2.0, 2.0),
    "presence_penalty": (-2.0, 2.0),
}
_MAPPINGS = ("reasoning", "metadata", *_MERGED)
_SWITCHES = ("parallel_tool_calls", "store")
_VERBOSITIES = ("low", "medium", "high")


@dataclass
class ModelSettings:
    """Wishes about a model's answers; ``None`` leaves the model's own default.

    Attributes:
        temperature: 0 to 2; how freely words are chosen.
        top_p: 0 to 1; share of likely words that are chosen from.
        frequency_penalty: -2 to 2; against words used often.
        presence_penalty: -2 to 2; against words used at all.
        tool_choice: ``"auto"``, ``"required"``, ``"none"`` or the name of a tool.
        parallel_tool_calls: whether several calls in one answer are allowed.
        max_tokens: upper bound of one answer, in tokens.
        reasoning: ``{"effort": "low"}`` and the like, for models that reason.
        verbosity: ``"low"``, ``"medium"`` or ``"high"``.
        metadata: your own notes on the request, for the provider's logs.
        store: whether the provider may keep the answer.
        extra_query: further parameters of the URL.
        extra_body: further parameters of the request, by their names at the endpoint.
        extra_headers: further HTTP headers.
        extra_args: like `extra_body`; kept apart because other kits do.

    Raises:
        ConfigurationError: a value is not accepted.
    """

    temperature: float | None = None
    top_p: float | None = None
    frequency_penalty: float | None = None
    presence_penalty: float | None = None
    tool_choice: Literal["auto", "required", "none"] | str | None = None  # noqa: PYI051  # for readers
    parallel_tool_calls: bool | None = None
    max_tokens: int | None = None
    reasoning: Mapping[str, Any] | None = None
    verbosity: Literal["low", "medium", "high"] | None = None
    metadata: Mapping[str, str] | None = None
    store: bool | None = None
    extra_query: Mapping[str, Any] | None = None
    extra_body: Mapping[str, Any] | None = None
    extra_headers: Mapping[str, str] | None = dataclasses.field(default=None, repr=False)
    extra_args: Mapping[str, Any] | None = None

    def __post_init__(self) -> None:
        for name, (low, high) in _RANGES.items():
            self._check(name, _is_number_in(low, high), f"a number from {low:g} to {high:g}")
        for name in _MAPPINGS:
            self._check(name, lambda value: isinstance(value, Mapping), "a dictionary")
        for name in _SWITCHES:
            self._check(name, lambda value: isinstance(value, bool), "True or False")
        self._check("max_tokens", _is_count, "a whole number above 0")
        self._check("verbosity", _VERBOSITIES.__contains__, "'low', 'medium' or 'high'")
        self._check(
            "tool_choice",
            lambda value: isinstance(value, str) and value != "",
            "'auto', 'required', 'none' or the name of a tool",
        )

    def _check(self, name: str, accepts: Any, accepted: str) -> None:
        value = getattr(self, name)
        if value is not None and not accepts(value):
            raise ConfigurationError(f"model_settings.{name} must be {accepted} or None, got {value!r}")

    def resolve(self, override: ModelSettings | None) -> Self:
        """Return these settings with those of `override` that are set; the ``extra_…`` are merged.

        Args:
            override: settings that go before these.
        """
        changes: dict[str, Any] = {}
        for field in dataclasses.fields(ModelSettings):
            own, other = getattr(self, field.name), getattr(override, field.name, None)
            if other is not None:
                changes[field.name] = {**own, **other} if own and field.name in _MERGED else other
        return dataclasses.replace(self, **changes)

    def body(self) -> dict[str, Any]:
        """Return what is set besides sampling and tools, as parameters of a Chat Completions request."""
        reasoning = self.reasoning or {}
        named = {
            "reasoning_effort": reasoning.get("effort"),
            "verbosity": self.verbosity,
            "metadata": None if self.metadata is None else dict(self.metadata),
            "store": self.store,
        }
        given = {name: value for name, value in named.items() if value is not None}
        return {**given, **(self.extra_args or {}), **(self.extra_body or {})}


def check_model_settings(given: object, *, owner: str) -> ModelSettings:
    """Return settings from what the user gave: `ModelSettings`, a dictionary of its fields, or ``None``.

    Args:
        given: what the user gave.
        owner: the setting that holds it, for the message.

    Raises:
        ConfigurationError: it is neither, or a value is not accepted.
    """
    if given is None:
        return ModelSettings()
    if isinstance(given, ModelSettings):
        return given
    if not isinstance(given, Mapping):
        raise ConfigurationError(f"{owner} must be ModelSettings or a dictionary, got {given!r}")
    known = [field.name for field in dataclasses.fields(ModelSettings)]
    for name in given:
        if name not in known:
            raise ConfigurationError(f"{owner}.{name} is not known; there are: {', '.join(known)}")
    return ModelSettings(**given)


def _is_number_in(low: float, high: float) -> Any:
    def accepts(value: object) -> bool:
        return isinstance(value, int | float) and not isinstance(value, bool) and low <= value <= high

    return accepts


def _is_count(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value > 0
