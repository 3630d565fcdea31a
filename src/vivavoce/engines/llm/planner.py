"""Decides what to do next: say something, ask for an argument, or call tools.

Pure: the items of the conversation are all it knows, so the same request always has the same plan.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from vivavoce.engines.base import ModelRequest
from vivavoce.engines.llm import smalltalk, turns
from vivavoce.engines.llm.arguments import answer, fill, forced_text
from vivavoce.engines.llm.filling import Filling, Path
from vivavoce.engines.llm.matching import HANDOFF_PREFIX, Profile, build_profiles
from vivavoce.engines.llm.questions import question
from vivavoce.engines.llm.results import agent_after, speak_result
from vivavoce.engines.llm.schema import Parameter, Role, element_of, flatten, nest
from vivavoce.engines.llm.spans import free_text
from vivavoce.engines.llm.understanding import Wish, best_wish, understand
from vivavoce.engines.llm.words import FILLERS, Words, readable, split_words
from vivavoce.protocol import FunctionCallItem, Item, MessageItem, ToolChoiceFunction

_DEPTH = 8  # questions in a row that are remembered
_FOLLOW_UPS = frozenset((("what", "about"), ("how", "about"), ("and",)))
_PASSING = frozenset(("hello", "thanks", "yes"))  # small talk that takes nothing back
_LONGEST_FOLLOW_UP = 7  # words
_MOST_CALLS = 8  # in one turn of the user


@dataclass(frozen=True, slots=True)
class Call:
    """A tool to call."""

    name: str
    arguments: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Say:
    """Something to say."""

    text: str


@dataclass(frozen=True, slots=True)
class Ask:
    """A question for one argument of a call that waits for it.

    Attributes:
        text: the question.
        profile: the tool.
        values: what is known so far.
        parameter: what is asked for.
        ready: other calls of the same utterance, made together with this one.
    """

    text: str
    profile: Profile
    values: Mapping[Path, Any]
    parameter: Parameter
    ready: tuple[Call, ...] = ()


@dataclass(frozen=True, slots=True)
class Calls:
    """Tools to call now."""

    calls: tuple[Call, ...] = field(default=())


Plan = Say | Ask | Calls


def _call(profile: Profile, values: Mapping[Path, Any]) -> Call:
    """Build a call; what a strict schema demands and nobody said is null."""
    filled = dict(values)
    for parameter in profile.parameters:
        if parameter.required and parameter.nullable:
            filled.setdefault(parameter.path, None)
    ordered = {p.path: filled[p.path] for p in profile.parameters if p.path in filled}
    return Call(profile.tool.name, nest(ordered))


class Planner:
    """Plans one response.

    Args:
        request: what the model is asked.
        plainly: what `smalltalk.stand_in` says.
    """

    def __init__(self, request: ModelRequest, plainly: Sequence[str] = smalltalk.STAND_IN) -> None:
        self._plainly = plainly
        self._request = request
        choice = request.tool_choice
        self._forced = choice == "required" or isinstance(choice, ToolChoiceFunction)
        tools = list(request.tools)
        if isinstance(choice, ToolChoiceFunction):
            tools = [tool for tool in tools if tool.name == choice.name]
        self._silenced = choice == "none" and bool(tools)
        self._profiles = [] if choice == "none" else build_profiles(tools)
        self._talk = turns.talk(request.items)
        # Whether a text is an answer is judged by the talk as it stands so far.
        self._talk = turns.in_time(self._talk, self._may_answer)
        self._items = turns.relevant(self._talk)

    def plan(self) -> Plan:
        """Return what to do next."""
        items = self._items
        instructions = self._request.instructions
        if not self._forced:
            sentence = smalltalk.sentence_to_say(instructions)
            if sentence is not None:
                return Say(sentence)
            if items and smalltalk.asks_to_decline(turns.last_order(self._request.items)):
                return Say(smalltalk.DECLINED)
        if turns.fresh_outputs(items):
            return self._after_outputs(turns.last_user(items))
        if items and isinstance(items[-1], FunctionCallItem):
            return Say(smalltalk.STILL_WORKING)
        if items and turns.is_user(items[-1]):
            must = self._forced and self._profiles
            return self._must_call(items) if must else self._reply(items, _DEPTH)
        return self._opening()

    def _opening(self) -> Plan:
        """Speak although nobody has said anything new."""
        request = self._request
        if smalltalk.asks_for_farewell(request.instructions):
            return Say("Goodbye!")
        first = not turns.assistant_count(self._items)
        if first:
            quoted = smalltalk.opening(request.instructions)
            return Say(quoted or smalltalk.greeting(request.instructions, request.tools, first=True))
        if smalltalk.asks_to_greet(request.instructions):
            return Say(smalltalk.greeting(request.instructions, request.tools, first=False))
        return Say(smalltalk.ANYTHING_ELSE)

    # --- after tools have run ---

    def _after_outputs(self, user: int) -> Plan:
        done = turns.calls_since(self._items, user)
        remaining = self._remaining(user, done)
        if remaining:
            return Calls(remaining)
        sentences = [self._spoken(name, output) for name, output in turns.fresh_outputs(self._items)]
        return Say(" ".join(dict.fromkeys(sentences)))

    def _spoken(self, name: str, output: str) -> str:
        spoken = speak_result(name, output)
        if name.startswith(HANDOFF_PREFIX) and not spoken.startswith("I am sorry"):
            other = agent_after(output) or readable(name.removeprefix(HANDOFF_PREFIX))
            return (
                smalltalk.opening(self._request.instructions)
                or f"You are with {other} now. How can I help you?"
            )
        return spoken

    def _remaining(self, user: int, done: list[tuple[str, Any]]) -> tuple[Call, ...]:
        """Return calls of the user's wish that are still to be made: one at a time, or after a handover."""
        handed_over = any(name.startswith(HANDOFF_PREFIX) for name, _ in done)
        if user < 0 or len(done) >= _MOST_CALLS or not (handed_over or not self._request.parallel_tool_calls):
            return ()
        plan = self._reply(self._items[: user + 1], _DEPTH, ends_in_calls=True)
        if not isinstance(plan, Calls):
            return ()
        wished = [(call.name, dict(call.arguments)) for call in plan.calls]
        if not handed_over and not any(call in wished for call in done):
            return ()
        left = [
            call
            for call in plan.calls
            if (call.name, dict(call.arguments)) not in done
            and not (handed_over and call.name.startswith(HANDOFF_PREFIX))
        ]
        return self._at_once(left).calls

    # --- answering the user ---

    def _may_answer(self, items: Sequence[Item], text: str) -> bool:
        """Whether a text, or the beginning of one, is what would be said to the items."""
        plan = self._reply(turns.relevant(items), _DEPTH)
        return not isinstance(plan, Calls) and _begins(plan.text, text)

    def _reply(self, items: Sequence[Item], depth: int, *, ends_in_calls: bool = False) -> Plan:
        """Answer the user message that the items end with."""
        message = items[-1]
        assert isinstance(message, MessageItem)
        words = split_words(turns.text_of(message))
        pending = self._pending(items, depth)
        if pending is not None:
            return self._continue(pending, words, items, ends_in_calls=ends_in_calls)
        return self._begin(message, words, items, ends_in_calls=ends_in_calls)

    def _begin(
        self, message: MessageItem, words: Words, items: Sequence[Item], *, ends_in_calls: bool
    ) -> Plan:
        """Answer an utterance that no question waits for."""
        if not words:
            return self._nothing_said(message, items)
        kind = smalltalk.kind_of(words)
        wishes = understand(self._profiles, words)
        if wishes or kind in _PASSING:
            wishes = [*self._written_before(message), *wishes]
        elif kind is None:
            wishes = self._with_earlier_words(message, words) or self._follow_up(items, words)
        if wishes:
            return self._carry_out(wishes, ends_in_calls=ends_in_calls)
        if kind is None and len(words) > 2 and words[0].norm in smalltalk.INTERRUPTIONS:
            return self._begin(message, words[1:], items, ends_in_calls=ends_in_calls)
        return self._chat(kind, words, items)

    def _nothing_said(self, message: MessageItem, items: Sequence[Item]) -> Say:
        if turns.has_picture(message):
            return Say(smalltalk.PICTURE)
        count, last = turns.assistant_count(items), turns.last_assistant_text(items)
        return Say(smalltalk.vary(smalltalk.NOTHING_HEARD, count, last))

    def _with_earlier_words(self, message: MessageItem, words: Words) -> list[Wish]:
        """Read the utterance together with the one before, when nobody answered that in between."""
        before = turns.waiting_before(self._talk, message)[-1:]
        return understand(self._profiles, split_words(turns.text_of(before[0])) + words) if before else []

    def _written_before(self, message: MessageItem) -> list[Wish]:
        """Return the wishes in writing that wait together with a message: each stands for itself.

        Spoken ones are left out: whoever speaks again before the answer often corrects what was said.
        """
        texts = [turns.text_of(m) for m in turns.waiting_before(self._talk, message) if turns.is_written(m)]
        wishes = [wish for text in texts for wish in understand(self._profiles, split_words(text))]
        return [wish for wish in wishes if not wish.filling.missing(wish.profile.parameters)]

    def _follow_up(self, items: Sequence[Item], words: Words) -> list[Wish]:
        """Read "and in Paris?" as the last call once more, with what is new in it."""
        start = next((n for n in (2, 1) if tuple(w.norm for w in words[:n]) in _FOLLOW_UPS), 0)
        last = turns.calls_since(items, 0)[-1:]
        profile = next((p for p in self._profiles if last and p.tool.name == last[0][0]), None)
        if (
            not start
            or profile is None
            or len(words) > _LONGEST_FOLLOW_UP
            or not isinstance(last[0][1], dict)
        ):
            return []
        filling = fill(profile.parameters, words[start:], set())
        if not filling.values:
            return []
        filling.values = flatten(last[0][1], profile.parameters) | filling.values
        return [Wish(profile, filling, 0.0)]

    def _chat(self, kind: str | None, words: Words, items: Sequence[Item]) -> Say:
        request = self._request
        count, last = turns.assistant_count(items), turns.last_assistant_text(items)
        if kind == "repeat":
            return Say(last or smalltalk.NOTHING_HEARD[1])
        if kind is not None:
            tools = () if self._silenced else request.tools
            first, plainly = count == 0, self._plainly
            return Say(smalltalk.chat(kind, request.instructions, tools, first=first, plainly=plainly))
        message = items[-1]
        if isinstance(message, MessageItem) and turns.has_picture(message):
            return Say(smalltalk.PICTURE)
        if self._silenced and understand(build_profiles(request.tools), words):
            return Say(smalltalk.NO_TOOLS_NOW)
        silent = all(word.norm in FILLERS for word in words)
        return Say(smalltalk.vary(smalltalk.NOTHING_HEARD if silent else self._plainly, count, last))

    def _must_call(self, items: Sequence[Item]) -> Plan:
        """Call a tool because the request says so; only ask for what no utterance can be made to say."""
        plan = self._reply(items, _DEPTH)
        if not isinstance(plan, Say):
            return plan
        message = items[-1]
        assert isinstance(message, MessageItem)
        words = split_words(turns.text_of(message))
        wish = best_wish(self._profiles, words, floor=0.0)
        profile = wish.profile if wish is not None else self._profiles[0]
        filling = wish.filling if wish is not None else fill(profile.parameters, words, set())
        for parameter in filling.missing(profile.parameters):
            text = forced_text(parameter, words)
            if text is not None:
                filling.values[parameter.path] = text
        return self._carry_out([Wish(profile, filling, 0.0)])

    def _carry_out(self, wishes: Sequence[Wish], *, ends_in_calls: bool = False) -> Plan:
        ready: list[Call] = []
        incomplete: Wish | None = None
        for wish in wishes:
            if wish.filling.missing(wish.profile.parameters):
                incomplete = incomplete or wish
            else:
                ready += [_call(wish.profile, values) for values in wish.filling.variants()]
        if incomplete is None:
            return Calls(tuple(ready)) if ends_in_calls else self._at_once(ready)
        return self._ask(incomplete.profile, incomplete.filling.values, tuple(ready))

    def _ask(
        self, profile: Profile, values: Mapping[Path, Any], ready: tuple[Call, ...], start: str = ""
    ) -> Ask:
        parameter = Filling(values=dict(values)).missing(profile.parameters)[0]
        return Ask(start + question(parameter), profile, dict(values), parameter, ready)

    def _at_once(self, calls: Sequence[Call]) -> Calls:
        unique: list[Call] = []
        for call in calls:
            if call not in unique:
                unique.append(call)
        return Calls(tuple(unique[: _MOST_CALLS if self._request.parallel_tool_calls else 1]))

    # --- questions that wait for their answer ---

    def _pending(self, items: Sequence[Item], depth: int) -> Ask | None:
        """Return the question that the last utterance may answer: plan again what was said before it."""
        if depth <= 0 or len(items) < 3 or not turns.is_assistant(items[-2]) or not turns.is_user(items[-3]):
            return None
        asked = items[-2]
        assert isinstance(asked, MessageItem)
        plan = self._reply(items[:-2], depth - 1)
        if not isinstance(plan, Ask):
            return None
        return plan if _begins(plan.text, turns.text_of(asked)) else None

    def _continue(
        self, pending: Ask, words: Words, items: Sequence[Item], *, ends_in_calls: bool = False
    ) -> Plan:
        if not words:
            return self._ask(pending.profile, pending.values, pending.ready, "Sorry, I did not hear that. ")
        kind = smalltalk.kind_of(words)
        yes_or_no = pending.parameter.kind == "boolean" and kind in {"yes", "no"}
        if kind in {"stop", "bye"} or (kind in {"repeat", "who", "able"} and not yes_or_no):
            return Say(pending.text) if kind == "repeat" else self._chat(kind, words, items)
        wishes = understand(self._profiles, words)
        value = answer(pending.parameter, words)
        if wishes and (wishes[0].profile is not pending.profile) and not self._answers(pending, value, words):
            return self._carry_out(wishes, ends_in_calls=ends_in_calls)
        values = dict(pending.values)
        if wishes and wishes[0].profile is pending.profile:
            values |= wishes[0].filling.values
        open_parameters = [p for p in pending.profile.parameters if p.path not in values and _is_typed(p)]
        joint = fill(open_parameters, words, set()).values
        # Words that are an answer only because it was asked for say nothing about anything else: "seven".
        if value is None or not _is_typed(pending.parameter) or pending.parameter.path in joint:
            values = joint | values
        if value is not None:
            values.setdefault(pending.parameter.path, value)
        missing = Filling(values=values).missing(pending.profile.parameters)
        if not missing:
            calls = [*pending.ready, _call(pending.profile, values)]
            return Calls(tuple(calls)) if ends_in_calls else self._at_once(calls)
        again = "Sorry, I did not get that. " if pending.parameter in missing else ""
        return self._ask(pending.profile, values, pending.ready, again)

    @staticmethod
    def _answers(pending: Ask, value: Any, words: Words) -> bool:
        """Whether an utterance answers a question although it also resembles a wish of its own."""
        if value is None:
            return False
        return _is_typed(pending.parameter) or free_text(pending.parameter) or len(words) == 1


def _begins(planned: str, heard: str) -> bool:
    """Whether what was heard is a planned text: a barge-in cuts it short in the history."""
    return planned.startswith(" ".join(heard.split()).rstrip(" .…"))


def _is_typed(parameter: Parameter) -> bool:
    """Whether values of a parameter can be told from other words."""
    element = element_of(parameter)
    if element.enum or element.kind in {"integer", "number"}:
        return True
    return parameter.role in {Role.DAY, Role.TIME, Role.MOMENT, Role.EXPRESSION}
