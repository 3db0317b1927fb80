"""The control tables of a new database: those that the classes declare, made without a migration.

What migrations put into the tables, beside making them, a new database has as well.
"""

from collections.abc import Iterator
from functools import lru_cache

import sqlalchemy as sa
from sqlalchemy.engine import make_url
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlalchemy.schema import CreateIndex, CreateTable

from .model import METADATA, Sequence
from .versions import KNOWN_VERSIONS, VERSION_TABLE

__all__ = ["create"]

_VERSION = sa.Table(  # as alembic declares it
    VERSION_TABLE,
    sa.MetaData(),
    sa.Column("version_num", sa.String(32), nullable=False),
    sa.PrimaryKeyConstraint("version_num", name=f"{VERSION_TABLE}_pkc"),
)


async def create(connection: AsyncConnection) -> None:
    """Make the control tables in a database that has none, in the connection's transaction."""
    for statement in _statements(connection.dialect.name):
        await connection.exec_driver_sql(statement)


@lru_cache(maxsize=1)
def _statements(dialect: str) -> list[str]:
    """Return the SQL that makes the tables and what they hold; compiling it takes longer than running it."""
    made = make_url(f"{dialect}://").get_dialect()()
    return [str(each.compile(dialect=made, compile_kwargs={"literal_binds": True})) for each in _elements()]


def _elements() -> Iterator[CreateTable | CreateIndex | sa.Insert]:
    for table in [*METADATA.sorted_tables, _VERSION]:
        yield CreateTable(table)
        yield from (CreateIndex(index) for index in table.indexes)
    yield sa.insert(Sequence).values(name="change", value=0)
    yield sa.insert(_VERSION).values(version_num=KNOWN_VERSIONS[-1])
