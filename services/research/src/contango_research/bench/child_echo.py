"""Answers requests on the bus until it is ended: ``python -m contango_research.bench.child_echo URL``."""

import asyncio
import sys

from nats.aio.msg import Msg

from contango_common.edge.main import new_loop
from contango_common.runtime.nats import connect

SUBJECT = "bench.echo"


async def _serve(url: str) -> None:
    client = await connect(url, "echo")

    async def answer(msg: Msg) -> None:
        await msg.respond(msg.data)

    await client.subscribe(SUBJECT, cb=answer)
    await asyncio.Event().wait()


def main() -> None:
    with asyncio.Runner(loop_factory=new_loop) as runner:
        runner.run(_serve(sys.argv[1]))


if __name__ == "__main__":
    main()
