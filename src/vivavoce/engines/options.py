"""What a language model may be asked for beyond the conversation: how to choose words, which form to keep."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class OutputSchema:
    """The form that an answer must have.

    Attributes:
        name: letters, digits, ``_`` and ``-``, at most 64.
        schema: JSON Schema of the answer.
        strict: the schema is in the strict form, and the model is to be held to it.
    """

    name: str
    schema: Mapping[str, Any]
    strict: bool = True

    def in_words(self) -> str:
        """Return the wish for this form as a sentence, for an endpoint that has no parameter for it."""
        schema = json.dumps(dict(self.schema), ensure_ascii=False)
        return f"Answer with one JSON object and nothing else. It must fit this JSON Schema: {schema}"


@dataclass(frozen=True, slots=True)
class ModelOptions:
    """Wishes for one answer beyond the conversation; an engine uses what it can.

    Attributes:
        temperature: 0 to 2; how freely words are chosen.
        top_p: 0 to 1; share of likely words that are chosen from.
        frequency_penalty: -2 to 2; against words used often.
        presence_penalty: -2 to 2; against words used at all.
        reasoning_effort: `minimal` to `xhigh`: how hard a reasoning model thinks.
        output_schema: the form of the answer; ``None`` is plain text.
        strict_parameters: schemas of tools in the strict form, by name, for engines that can hold a model to
            them.
        prompt: a stored prompt, ``{"id": …, "version": …, "variables": …}``, for engines that have such.
        extra_body: further parameters by their names at the endpoint.
        extra_query: further parameters of the URL.
        extra_headers: further HTTP headers.
    """

    temperature: float | None = None
    top_p: float | None = None
    frequency_penalty: float | None = None
    presence_penalty: float | None = None
    reasoning_effort: str | None = None
    output_schema: OutputSchema | None = None
    strict_parameters: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    prompt: Mapping[str, Any] | None = None
    extra_body: Mapping[str, Any] = field(default_factory=dict)
    extra_query: Mapping[str, Any] = field(default_factory=dict)
    extra_headers: Mapping[str, str] = field(default_factory=dict)
