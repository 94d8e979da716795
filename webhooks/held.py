"""A connection that is held from one group to the next: the driver's own, for its speed."""

from collections.abc import Callable
from typing import Any, TypeVar

from sqlalchemy import PoolProxiedConnection

from app.db import Database

_SQLITE_CACHE_KIB = 8 * 1024

T = TypeVar("T")


class HeldConnection:
    """One connection, opened when it is needed; on PostgreSQL each statement is a transaction by itself.

    Attributes:
        driver: the driver's module, whose errors `run` raises.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self._connection: PoolProxiedConnection | None = None
        self.driver: Any = database.engine.dialect.dbapi

    @property
    def is_open(self) -> bool:
        """Whether there is a connection now, as far as is known."""
        return self._connection is not None

    def run(self, work: Callable[[Any], T]) -> T:
        """Do some work over it; a connection that broke while it rested is made anew once.

        Raises:
            driver.Error: the work failed, or no connection is to be had; the next work gets another one.
        """
        was_open = self._connection is not None
        try:
            return work(self._open())
        except self.driver.Error:
            is_broken = self._is_broken()
            self.close()
            if not (was_open and is_broken):
                raise
            return self.run(work)

    def close(self) -> None:
        """Drop the connection, and with it what it had not committed."""
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.invalidate()

    def _open(self) -> Any:
        if self._connection is None:
            self._connection = self._database.engine.raw_connection()
            connection: Any = self._connection.driver_connection
            if self._database.is_sqlite:
                # It only ever inserts, or reads single rows: pages need no place in memory.
                connection.execute(f"PRAGMA cache_size=-{_SQLITE_CACHE_KIB}")
            else:
                # No ways to the server for BEGIN and COMMIT; each statement says itself whose rows it means.
                connection.autocommit = True
        return self._connection.driver_connection

    def _is_broken(self) -> bool:
        """Whether PostgreSQL closed the connection, at a restart for instance."""
        return self._connection is not None and bool(
            getattr(self._connection.driver_connection, "closed", False)
        )
