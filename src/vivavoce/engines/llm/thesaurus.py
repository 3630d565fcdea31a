"""A small thesaurus: rings of everyday words that ask for the same thing.

It is all that the built-in brain knows of the world, so it stays general: words that people say for what
tools are commonly named after.
"""

from __future__ import annotations

from vivavoce.engines.llm.words import stem

_RINGS = """
weather forecast temperature rain raining rainy snow snowing sunny cloudy windy cold warm hot degrees umbrella
book reserve reservation booking appointment schedule
light lights lamp lamps bulb lighting
turn switch
timer alarm countdown
calculate calculator compute math arithmetic plus minus times multiply multiplied divide divided sum subtract
calculate add sum total percent
order purchase package parcel delivery shipment
lookup status track tracking where
joke jokes funny laugh humor pun
menu eat food dish dishes meal serve
human person agent operator representative somebody someone people employee colleague
billing bill invoice invoices payment payments charge charged refund pay paid
support technical technician broken repair problem issue malfunction fix trouble
sales buy purchase price offer
transfer talk speak connect hand forward handover handoff
cancel delete remove revoke
search find look browse
flight flights fly plane airline
heating thermostat heater temperature heat degrees
cart basket
send write text
message text sms mail email
play listen hear put
music song songs album track artist tune
open opening opens hours close closes closing closed
convert exchange conversion currency
price cost costs expensive
balance money left
news headlines
time clock
date day
translate translation mean
remind reminder remember
note notes memo
stop end halt
call phone dial ring
volume loud louder quiet quieter
door doors gate lock unlock
story tale
fact facts trivia
random dice roll
hotel room stay accommodation
taxi cab ride
doctor physician medical
recipe cook
location address located
"""
_RING_OF: dict[str, frozenset[int]] = {}
for _number, _line in enumerate(_RINGS.strip().splitlines()):
    for _word in _line.split():
        _RING_OF[stem(_word)] = _RING_OF.get(stem(_word), frozenset()) | {_number}


def rings(word: str) -> frozenset[int]:
    """Return the numbers of the rings that a word belongs to."""
    return _RING_OF.get(stem(word), frozenset())
