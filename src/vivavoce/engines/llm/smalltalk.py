"""Sentences that need no tool: greetings, thanks, what the agent can do, and the plain word about itself."""

from __future__ import annotations

import re
from collections.abc import Sequence

from vivavoce.engines.llm.matching import HANDOFF_PREFIX
from vivavoce.engines.llm.questions import enumerate_words
from vivavoce.engines.llm.words import FILLERS, Words, readable
from vivavoce.protocol import FunctionTool


def stand_in(cure: str) -> tuple[str, ...]:
    """Return the sentences with which the brain says what it is.

    Args:
        cure: what connects a real language model.
    """
    return (
        f"I am only the built-in stand-in without a language model; connect a real one with {cure}.",
        f"That is beyond me: I am the built-in stand-in, and a real language model comes with {cure}.",
        f"Without a language model I only understand requests for my tools; {cure} connects a real one.",
    )


STAND_IN = stand_in("--llm URL, or llm_url in a program")
NOTHING_HEARD = (
    "Sorry, I did not hear that. Could you say it again?",
    "Sorry, could you repeat that, please?",
)
ALL_RIGHT = "All right."
INTERRUPTIONS = frozenset(("stop", "wait", "no", "sorry", "enough", "quiet"))
"""Words with which people cut in before they say what they want."""
ANYTHING_ELSE = "Is there anything else I can do for you?"
STILL_WORKING = "One moment, I am still working on that."
NO_TOOLS_NOW = "I may not use my tools for this answer."
DECLINED = "I am sorry, I cannot help with that. Is there anything else I can do for you?"
PICTURE = "I see that you sent a picture, but I cannot look at pictures without a real language model."

# One alternative per line.
_KINDS = {
    "repeat": r"""
        (can you |could you )?(please )?(repeat|say) (that|it|this)( again)?
        repeat|pardon( me)?|come again|say again|what did you say|what was that|sorry what
        i did not (hear|get|catch) (that|you)
    """,
    "stop": r"""
        (please )?(stop|be quiet|quiet|silence|shut up|enough|cancel|wait)( it| that| talking| now)?
        never mind|nevermind|forget (it|that)|hold on|one moment|just a (moment|second|minute)
    """,
    "bye": r"""
        (ok |well )?(good ?bye|bye|bye bye|farewell|good night)( and)?( thank you| thanks)?( then| now)?
        see you( later| soon| tomorrow)?|have a (nice|good) day
        that is all|that was all|thats all
    """,
    "leave": r"""
        (ok |great |perfect )?(thanks|thank you)\b.*\b(good ?bye|bye|farewell|good night|see you)( then| now)?
    """,
    "thanks": r"""
        (ok |great |perfect )?(thanks|thank you|cheers|many thanks)\b.*
        (that was )?(great|perfect|wonderful) (thanks|thank you)
    """,
    "able": r"""
        (so )?what (can|could|do) you do( for me)?|what are you able to do|how does this work
        (can you )?help( me)?|i need help|how can you help( me)?
        what are my options|what can i (ask|say|do)( you)?
    """,
    "who": r"""
        who (are|is) (you|this)|whos (there|this)|what are you|what is your name
        tell me about yourself|introduce yourself|who am i (talking|speaking) to
        are you (a |an )?(robot|human|machine|computer|real|ai|bot)( person)?
    """,
    "feel": r"""
        (hello |hi |hey |good (morning|afternoon|evening) )?how are you( doing)?( today)?
        how is it going|hows it going|how do you do
        are you (ok|okay|well|fine)
    """,
    "hello": r"""
        (hello|hi|hey|hiya|greetings|good (morning|afternoon|evening|day)|welcome)\
( (hello|hi|there|you|everyone|everybody|again|good (morning|afternoon|evening)))*
        (it is )?nice to meet you
    """,
    "yes": "yes|yeah|yep|okay|ok|sure|right|alright|all right|fine|good|great|i see|got it",
    "no": "no|nope|nah|no thank you|no thanks",
}
_PATTERNS = {
    kind: re.compile("|".join(line.strip() for line in text.replace("\\\n", "").strip().splitlines()))
    for kind, text in _KINDS.items()
}
_IDENTITY = re.compile(r"\b[Yy]ou(?: are|'re|’re) ((?:an? |the )?[^.;!?\n]{2,100})")
_AGENT = re.compile(r"Handoff to the (.{1,80}?) agent to handle the request\.")
"""The description of a handoff that has none of its own."""
_MOST_SKILLS = 5
_TELLING = frozenset(("thanks", "ok", "okay"))  # fillers that are an answer by themselves


def kind_of(words: Words) -> str | None:
    """Return the kind of small talk that an utterance is as a whole, or `None`."""
    norms = [word.norm.replace("whats", "what is") for word in words if not word.is_separator]
    if norms[:1] in (["and"], ["but"]):
        del norms[0]
    spoken = " ".join(norms), " ".join(norm for norm in norms if norm not in FILLERS - _TELLING)
    return next((kind for kind, pattern in _PATTERNS.items() if any(map(pattern.fullmatch, spoken))), None)


def _skill(tool: FunctionTool) -> str:
    description = tool.description if isinstance(tool.description, str) else ""
    if tool.name.startswith(HANDOFF_PREFIX):
        named = _AGENT.match(description)
        return f"connect you to {named[1] if named else readable(tool.name.removeprefix(HANDOFF_PREFIX))}"
    first = re.split(r"[.\n;(]", description.strip(), maxsplit=1)[0].strip()
    if not first or len(first) > 90:
        return readable(tool.name)
    verb, _, rest = first.partition(" ")
    if verb.endswith("s") and not verb.endswith("ss") and rest:
        verb = verb.removesuffix("es") if verb.endswith(("ches", "shes")) else verb.removesuffix("s")
    return f"{verb[0].lower()}{verb[1:]} {rest}".strip()


def skills(tools: Sequence[FunctionTool], most: int = _MOST_SKILLS) -> str:
    """Return what the tools can do, in one sentence."""
    if not tools:
        return "I have no tools here, so I can only exchange a few words."
    named = [_skill(tool) for tool in tools[:most]]
    if len(tools) > most:
        named.append("more")
    return f"I can {enumerate_words(named)}."


def identity(instructions: str) -> str:
    """Return who the instructions say the agent is, as a sentence about itself, or nothing."""
    found = _IDENTITY.search(instructions)
    if not found:
        return ""
    described = re.split(r",? (?:who|that|and you|your)\b", found[1].strip(), maxsplit=1)[0].strip(" ,")
    return f"I am {described}."


def greeting(instructions: str, tools: Sequence[FunctionTool], *, first: bool) -> str:
    """Return a greeting; the first of a conversation says what the agent can do."""
    if not first:
        return "Hello again! What can I do for you?"
    parts = ["Hello!", identity(instructions), skills(tools, 3) if tools else "", "How can I help you?"]
    return " ".join(part for part in parts if part)


def chat(
    kind: str,
    instructions: str,
    tools: Sequence[FunctionTool],
    *,
    first: bool,
    plainly: Sequence[str] = STAND_IN,
) -> str:
    """Return the answer to a kind of small talk other than `repeat`; `plainly` is what `stand_in` says."""
    if kind == "hello":
        return greeting(instructions, tools, first=first)
    if kind == "able":
        return skills(tools)
    if kind == "who":
        return f"{identity(instructions)} {plainly[0] if not tools else skills(tools, 3)}".strip()
    return {
        "stop": ALL_RIGHT,
        "bye": "Goodbye!",
        "leave": "You are welcome. Goodbye!",
        "thanks": "You are welcome.",
        "feel": "I am fine, thank you. What can I do for you?",
        "yes": "All right. What can I do for you?",
        "no": "All right.",
    }[kind]


def vary(sentences: Sequence[str], count: int, last: str) -> str:
    """Choose a sentence by a count, but not the one that was said last if there is another."""
    chosen = sentences[count % len(sentences)]
    return chosen if chosen != last.strip() else sentences[(count + 1) % len(sentences)]


_QUOTES = "\"“”«»„'‘’"
_SPEAKERS = r"(?:user|caller|customer|guest|person|visitor|human)s?"
_SAY = re.compile(
    rf"^(?:please )?(?:now )?(?:say|speak|respond|reply|answer|read out|repeat|greet the {_SPEAKERS}|"
    rf"tell the {_SPEAKERS}|welcome the {_SPEAKERS}|start|begin|open)\b(?: with| by saying)?"
    rf"(?: to the {_SPEAKERS})?"
    r"(?P<only>(?: (?:exactly|only|just|verbatim|aloud|the following|this|these words|(?:the )?(?:exact )?"
    r"(?:words|sentence|phrase|text)|word for word))*)\s*(?P<colon>[:,]?)\s*(?P<rest>.+)$",
    re.IGNORECASE | re.DOTALL,
)
# The last paragraph may ask for it, too: "Say exactly the following to the user, word for word:", then on the
# next line the words, as long as they like.
_DICTATED = re.compile(
    rf"(?:\A|\n\s*\n)\s*(?:please )?(?:say|speak) exactly the following"
    rf"(?:,? (?:to the {_SPEAKERS}|word for word|verbatim|aloud|and nothing (?:else|more)))*"
    r":[ \t]*\n\s*(.+)\Z",
    re.IGNORECASE | re.DOTALL,
)
_QUOTED = re.compile(rf"^[{_QUOTES}](.+)[{_QUOTES}](?P<after>[^{_QUOTES}]{{0,60}})$", re.DOTALL)
_OPENING = re.compile(
    r"\b(?:greet|welcome|start|begin|open|answer)\b[^.\n\"“]{0,60}?(?:with|by saying|saying|:)"
    r"\s*[\"“](.+?)[\"”]",
    re.IGNORECASE | re.DOTALL,
)
_GREET = re.compile(
    rf"\b(?:greet|welcome|say (?:hello|hi)|introduce yourself)\b(?: to)?(?: the {_SPEAKERS})?", re.IGNORECASE
)
_DECLINE = re.compile(r"\bdecline\b", re.IGNORECASE)
_FAREWELL = re.compile(r"^(?:please )?say (?:good ?bye|farewell)\b", re.IGNORECASE)


def sentence_to_say(instructions: str) -> str | None:
    """Return the words when the instructions as a whole ask to say some: `Say exactly: "Welcome!"`.

    Or when their last paragraph does, with the words on lines of their own.
    """
    dictated = _DICTATED.search(instructions.strip())
    if dictated:
        return dictated[1].strip()
    found = _SAY.match(instructions.strip())
    if not found:
        return None
    rest = found["rest"].strip()
    quoted = _QUOTED.match(rest)
    if quoted:
        return quoted[1].strip()
    plain = bool(found["only"].strip() or found["colon"] == ":") and len(rest) <= 400
    return rest if plain and rest[0] not in _QUOTES else None


def opening(instructions: str) -> str | None:
    """Return the greeting that the instructions quote, if they do."""
    found = _OPENING.search(instructions)
    return found[1].strip() if found else None


def asks_to_greet(instructions: str) -> bool:
    """Whether the instructions as a whole are a short request to greet."""
    return len(instructions) <= 160 and _GREET.search(instructions) is not None


def asks_for_farewell(instructions: str) -> bool:
    """Whether the instructions as a whole are a request to say goodbye."""
    return len(instructions) <= 160 and _FAREWELL.match(instructions.strip()) is not None


def asks_to_decline(instructions: str) -> bool:
    """Whether a message to the model asks it to turn the user down."""
    return _DECLINE.search(instructions) is not None
