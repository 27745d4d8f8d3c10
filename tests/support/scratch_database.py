"""Databases that a test makes and drops again, on whatever server it was given."""

import time

import psycopg
from psycopg import sql

_TRIES, _PAUSE_S = 100, 0.1


def drop_database(link: psycopg.Connection, name: str) -> None:
    """Drop it with everybody in it. A background job of the server itself may be in it, which only time ends."""
    statement = sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name))
    for _ in range(_TRIES):
        try:
            link.execute(statement)
            return
        except (psycopg.errors.InsufficientPrivilege, psycopg.errors.ObjectInUse):
            time.sleep(_PAUSE_S)
    link.execute(statement)
