"""What people say to agents. A bar stands where somebody would stop to think: there the bench puts pauses.

`FITTED` is what `tools/fit_turn_end.py` learns from, `HELD_OUT` is what it has never seen.
"""

from __future__ import annotations

FITTED = """
I'd like to book a table for | four people tomorrow evening.
Can you tell me what the weather will be in | Boston on Friday?
My phone number is | five five five | one two three four.
I want to change my | flight to Sunday morning.
What time does the | office open on Monday?
Please send the report to | my manager and | the whole team.
I need to cancel the order because | it came too late.
Could you remind me to call | my mother at six?
How much does the | large one cost?
Turn off the lights in | the living room.
I was wondering if you | could help me with my account.
The name is John | and the last name is Miller.
Yes please.
No thanks.
That's right.
I think so.
Thank you very much.
Where is my | package right now?
I would like to speak to | a real person.
Set an alarm for | seven thirty in the morning.
Is there a | doctor available this week?
My address is | twelve Green Street.
When does the next | train leave for London?
Play some | quiet music please.
I bought it about | three weeks ago.
Do you have this in | a different color?
We are going to need | two rooms for | three nights.
It does not work when | I press the red button.
I forgot my | password again.
How do I | reset the machine?
Let me | check that for you.
The number on the card is | four two nine one.
Add milk and | bread to the list.
I'm looking for a | present for my sister.
What is the | capital of France?
You can call me after | five o'clock.
Who won the | game last night?
I'd rather have the | window seat.
Tell me a | story about a | small dog.
If the door is open | please close it.
Can I pay with | my credit card?
I have a question about | the last bill.
She said that she | would come on Thursday.
Good morning.
I need a taxi from | the station to the | airport.
Move the meeting to | Wednesday at ten.
There is something wrong with | the front wheel.
My birthday is the | third of March.
Would it be possible to | get a refund?
I live in the | house next to the church.
I would like um | a cup of coffee please.
Can you uh | tell me the way to the station?
Well um | I think we should go home.
The meeting is on uh | Thursday at noon.
I need two um | three bottles of water.
Please call uh | my brother tonight.
My order number is um | six six one nine.
So uh | what happens next?
It costs about um | twenty dollars.
They moved to uh | a bigger house last year.
""".strip().splitlines()

HELD_OUT = """
I would like to order a | large pizza with | mushrooms and cheese.
Can you find me a | hotel near the | beach?
The code is | seven eight | nine zero.
Please transfer fifty dollars to | my savings account.
I am calling because | my order has not arrived.
Why is my | internet so slow today?
Book a haircut for | Saturday afternoon.
What are the | opening hours of the museum?
My name is | Alice Brown.
I want to | return these shoes.
How long does it take to | get to the city by | bus?
Read me the | news from this morning.
Not really.
Sounds good.
I don't know.
Could we meet on | Tuesday instead of | Monday?
Send a message to | David that I will be late.
Is the | kitchen still open?
We were thinking about | a trip in the summer.
Write down that we need | more coffee and | some sugar.
I lost my | key somewhere in the park.
Do I need a | ticket for the | second show?
Give me the | number of the nearest bank.
When I opened the box | it was empty.
I'd like to um | change my password.
The number is uh | eight one four two.
We want to leave uh | before the weekend.
""".strip().splitlines()


def words_of(sentence: str) -> tuple[str, list[int]]:
    """Return a sentence without its bars, and after how many words they stood."""
    parts = sentence.split("|")
    stops: list[int] = []
    for part in parts[:-1]:
        stops.append((stops[-1] if stops else 0) + len(part.split()))
    return " ".join(part.strip() for part in parts), stops
