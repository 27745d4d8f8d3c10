"""The house's errors: one small tree.

ContangoError
├── UserError        something the person at the keyboard can put right; one line: what, where, what to do
├── LogError         the log refuses: a gap, a foreign epoch, a changed byte, a second writer
└── Undecodable      bytes on the log that are no event of ours (they are quarantined, never skipped silently)
"""


class ContangoError(Exception):
    """Root of every error that this project raises on purpose."""


class UserError(ContangoError):
    """A mistake that the reader of the message can put right; the command line prints it and exits with 2."""


class LogError(ContangoError):
    """The log is not the one this process may continue on; the process halts."""


class Undecodable(ContangoError):
    """A message that is not a known event; it becomes the fact ``Quarantined``."""
