"""Lock-step over NATS: the words that conductor and participants exchange, outside the log.

    turn.hello           request   participant → conductor   its name; the answer is the sequence of the current turn
    turn.<name>          publish   conductor → participant   b"G <seq>": publish what you decided on <seq>
                                                             b"A <seq>": say again how you stand with <seq>
    turn.feed            publish   conductor → feed          b"<n>": publish input n; empty: only say where you are
    turn.report          publish   participant → conductor   b"R <name> <seq> <0|1>": handled; 1 = waits to publish
                                                             b"P <name> <cause> <seq>": published as <seq>
                                   feed → conductor          b"F <n> <seq> <source> <ts of next | ->": stands at n

Core NATS may lose any of them; whoever waits asks again, and every word may be said twice without harm.
"""

HELLO = "turn.hello"
REPORT = "turn.report"
FEED = "turn.feed"
ASK_AGAIN_S = 0.5


def turn_subject(name: str) -> str:
    return f"turn.{name}"
