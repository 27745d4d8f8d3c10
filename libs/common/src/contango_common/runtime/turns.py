"""Lock-step over NATS: the words that conductor and participants exchange, outside the log.

    turn.hello           request   participant → conductor   its name; the answer is the sequence of the current turn
    turn.<name>          publish   conductor → participant   b"G <seq>": publish what you decided on <seq>
                                                             b"A <seq>": say again how you stand with <seq>
    turn.feed            publish   conductor → feed          b"<n>": publish input n; empty: only say where you are
    turn.report          publish   participant → conductor   b"R <name> <seq> <0|1|2>": handled; 1 = waits to publish,
                                                             2 = will not answer frames before its next report
                                                             b"P <name> <cause> <seq> <tags>": published as <seq>
                                   feed → conductor          b"F <n> <seq> <source> <ts of next | -> <tags>": is at n

Core NATS may lose any of them; whoever waits asks again, and every word may be said twice without harm.

``<tags>`` are those of the message's facts, with commas. A participant says nothing about a message of which no fact
concerns it (``fold.hears``), and the conductor, who knows that, does not wait for it. Nor does a participant that is
idle (``fold.idle``) report frames, once it has said so: that word holds until its next report, or until either side
starts anew. Asked again it takes the word back; so who does not know that the other is idle waits ``ASK_AGAIN_S`` once.
"""

from collections.abc import Iterable
from typing import NamedTuple

from contango_common.events.base import Event
from contango_common.runtime.fold import Fold, hears

HELLO = "turn.hello"
REPORT = "turn.report"
FEED = "turn.feed"
ASK_AGAIN_S = 0.5
FRAMES = "log.md"


class Turn(NamedTuple):
    """A participant as the conductor knows it: its name, the subjects it reads and the tags that concern it."""

    name: str
    reads: frozenset[str]
    hears: frozenset[str]


def turn_of(fold: Fold) -> Turn:
    return Turn(fold.NAME, fold.READS, hears(fold))


def tags_of(events: Iterable[Event]) -> str:
    """Tags of a message's facts, each once, as they stand in a word."""
    return ",".join(dict.fromkeys(event.TAG for event in events))


def turn_subject(name: str) -> str:
    return f"turn.{name}"
