"""What client and server call things, and how a version becomes a number that fits into a tensor. Pure."""

WINDOWS, OUTPUTS, VERSION = "WINDOWS", "OUTPUTS", "VERSION"
VERSION_LETTERS = 16
MAX_BATCH = 64  # windows that the server takes at once


def version_number(version: str) -> int:
    """The first 16 hexadecimal letters of a version as a signed 64-bit integer.

    >>> version_number("0000000000000010" + "0" * 48), version_number("f" * 64)
    (16, -1)
    """
    return int.from_bytes(bytes.fromhex(version[:VERSION_LETTERS]), "big", signed=True)


def version_letters(number: int) -> str:
    """The way back.

    >>> version_letters(version_number("fedcba9876543210"))
    'fedcba9876543210'
    """
    return number.to_bytes(VERSION_LETTERS // 2, "big", signed=True).hex()
