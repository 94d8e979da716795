"""P2's floor: orders parsed and upserted with their customers and lines, by nothing but the driver.

Three tables, each keyed by (shop, id) with one more index, as plain as can be: SQLite gets executemany,
PostgreSQL a COPY into temporary tables and a merge, which is the fastest way that it has.
"""

import json
import sqlite3
from collections.abc import Sequence
from typing import Any

import psycopg

COLUMNS = {
    "floor_customers": "shop int, id bigint, email text, first text, last text, tags text, updated text",
    "floor_orders": "shop int, id bigint, customer bigint, name text, total bigint, currency text, "
    "financial text, created text, updated text",
    "floor_lines": "shop int, id bigint, ord bigint, product bigint, variant bigint, quantity int, "
    "price bigint, title text, sku text",
}
INDEXES = (
    "CREATE INDEX floor_orders_of ON floor_orders (shop, customer, created)",
    "CREATE INDEX floor_lines_of ON floor_lines (shop, ord)",
    "CREATE INDEX floor_customers_by ON floor_customers (shop, email)",
)
Rows = list[tuple[Any, ...]]


class OnSqlite:
    """WAL with synchronous FULL, a transaction a batch."""

    def __init__(self, path: str) -> None:
        self._connection = sqlite3.connect(path, isolation_level=None)
        for pragma in ("journal_mode=WAL", "synchronous=FULL", "cache_size=-65536"):
            self._connection.execute(f"PRAGMA {pragma}")
        for statement in _creation():
            self._connection.execute(statement)

    def apply(self, bodies: Sequence[bytes]) -> None:
        """Mirror one batch."""
        self.upsert(_parsed(bodies))

    def upsert(self, parsed: dict[str, Rows]) -> None:
        """Write the rows of one batch."""
        self._connection.execute("BEGIN IMMEDIATE")
        for table, rows in parsed.items():
            places = ", ".join("?" * len(rows[0]))
            self._connection.executemany(_upsert(table, f"VALUES ({places})"), rows)
        self._connection.execute("COMMIT")

    def count(self) -> int:
        """How many orders are there."""
        found: int = self._connection.execute("SELECT count(*) FROM floor_orders").fetchone()[0]
        return found

    def close(self) -> None:
        """Leave the database."""
        self._connection.close()


class OnPostgres:
    """COPY to a temporary table and one merge for each of the three."""

    def __init__(self, url: str) -> None:
        self._connection = psycopg.connect(url, autocommit=True)
        for statement in _creation():
            self._connection.execute(statement.encode())
        for table, columns in COLUMNS.items():
            self._connection.execute(f"CREATE TEMP TABLE new_{table} ({columns})".encode())

    def apply(self, bodies: Sequence[bytes]) -> None:
        """Mirror one batch."""
        self.upsert(_parsed(bodies))

    def upsert(self, parsed: dict[str, Rows]) -> None:
        """Write the rows of one batch."""
        with self._connection.transaction(), self._connection.cursor() as cursor:
            for table, rows in parsed.items():
                cursor.execute(f"TRUNCATE new_{table}".encode())
                with cursor.copy(f"COPY new_{table} FROM STDIN".encode()) as copy:
                    for row in rows:
                        copy.write_row(row)
                cursor.execute(_upsert(table, f"TABLE new_{table}").encode())

    def count(self) -> int:
        """How many orders are there."""
        row = self._connection.execute("SELECT count(*) FROM floor_orders").fetchone()
        return int(row[0]) if row else 0

    def close(self) -> None:
        """Leave the database."""
        self._connection.close()


def _parsed(bodies: Sequence[bytes]) -> dict[str, Rows]:
    customers: dict[int, tuple[Any, ...]] = {}
    orders: Rows = []
    lines: Rows = []
    for body in bodies:
        order = json.loads(body)
        buyer = order["customer"]
        customers[buyer["id"]] = (
            *(1, buyer["id"], buyer["email"], buyer["first_name"], buyer["last_name"]),
            *(order["tags"], buyer["updated_at"]),
        )
        orders.append(
            (
                *(
                    1,
                    order["id"],
                    buyer["id"],
                    order["name"],
                    _cents(order["total_price"]),
                    order["currency"],
                ),
                *(order["financial_status"], order["created_at"], order["updated_at"]),
            )
        )
        lines += [
            (
                *(1, line["id"], order["id"], line["product_id"], line["variant_id"], line["quantity"]),
                *(_cents(line["price"]), line["title"], line["sku"]),
            )
            for line in order["line_items"]
        ]
    return dict(zip(COLUMNS, (list(customers.values()), orders, lines), strict=True))


def _cents(amount: str) -> int:
    return round(float(amount) * 100)


def _creation() -> list[str]:
    tables = [
        f"CREATE TABLE {table} ({columns}, PRIMARY KEY (shop, id))" for table, columns in COLUMNS.items()
    ]
    return [*tables, *INDEXES]


def _upsert(table: str, source: str) -> str:
    names = [column.split()[0] for column in COLUMNS[table].split(", ")]
    changes = ", ".join(f"{name} = excluded.{name}" for name in names[2:])
    statement = (
        f"INSERT INTO {table} ({', '.join(names)}) {source} ON CONFLICT (shop, id) DO UPDATE SET {changes}"
    )
    return statement if table == "floor_lines" else f"{statement} WHERE excluded.updated >= {table}.updated"
