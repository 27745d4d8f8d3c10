"""The advisor: a language model's note on each proposal, for people. Off unless an address is configured.

It stands beside the order path, never in it: it reads the log, writes ``log.advice``, which no fold reads, and may
fail, hang or lie without any decision being another one. What it said is scored when the trade is closed.

Pure: ``context``, ``prompt``, ``reply``, ``score``, ``desk``, ``table``, ``view``. Edges: ``port`` (what an advisor
is), ``http`` (one over an HTTP API), ``settings``, ``service`` (the loop), ``serve`` (the process), ``routes``.
"""
