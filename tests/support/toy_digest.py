"""Prints the digest of a toy run and the order of a set of words (which the hash seed changes)."""

import sys

from contango_common.runtime.canon import digest
from contango_common.runtime.engine import Engine
from contango_common.runtime.inputs import with_control
from contango_common.runtime.participant import Participant
from support import toy
from support.relay import BUILD


def main(count: int) -> None:
    engine = Engine([Participant(fold, {}, BUILD) for fold in toy.FOLDS], BUILD)
    for _ in engine.run(with_control(toy.inputs(count), toy.PARAMS, toy.START_NS, "test")):
        pass
    print(digest(engine.log.messages), "".join({"a", "b", "c", "d", "e", "f"}))


if __name__ == "__main__":
    main(int(sys.argv[1]))
