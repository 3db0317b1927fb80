"""The control tables of a new database: those that the classes declare, made without a migration.

What migrations put into the tables, beside making them, a new database has as well.
"""

from collections.abc import Iterator
from functools import cache

import sqlalchemy as sa
from sqlalchemy.engine import make_url
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlalchemy.schema import CreateIndex, CreateTable
from sqlmodel.sql.sqltypes import AutoString

from . import connect_session_model, health_model, server_model, webhook_model, worker_model
from .model import METADATA, Sequence
from .versions import KNOWN_VERSIONS, VERSION_TABLE

__all__ = ["METADATA", "create", "statements_of"]

_MODELS = (  # importing them declares their tables
    connect_session_model,
    health_model,
    server_model,
    webhook_model,
    worker_model,
)

_VERSION = sa.Table(  # as alembic declares it
    VERSION_TABLE,
    sa.MetaData(),
    sa.Column("version_num", sa.String(32), nullable=False),
    sa.PrimaryKeyConstraint("version_num", name=f"{VERSION_TABLE}_pkc"),
)


async def create(connection: AsyncConnection) -> None:
    """Make the control tables in a database that has none, in the connection's transaction."""
    for statement in statements_of(connection.dialect.name):
        await connection.exec_driver_sql(statement)


@cache
def statements_of(dialect: str) -> tuple[str, ...]:
    """Return the SQL that makes the tables and what they hold; compiling it takes longer than running it."""
    made = make_url(f"{dialect}://").get_dialect()()
    tables = METADATA.sorted_tables if dialect == "sqlite" else _compared_by_bytes(METADATA.sorted_tables)
    compiled = [each.compile(dialect=made, compile_kwargs={"literal_binds": True}) for each in _elements(tables)]
    return (*map(str, compiled), *_MORE.get(dialect, ()))


_MORE = {
    "postgresql": (
        "CREATE UNIQUE INDEX orgsync_table_owner_any_case ON orgsync_table_owner (lower(name))",
        'CREATE UNIQUE INDEX orgsync_object_column_any_case ON orgsync_object_column (lower(record_table), "column")',
    )
}
"""What the classes cannot declare for every database: names of tables are compared without case."""


def _compared_by_bytes(tables: list[sa.Table]) -> list[sa.Table]:
    """Return the tables with texts that compare by their bytes, whatever the database's collation."""
    metadata = sa.MetaData()
    copied = [table.to_metadata(metadata) for table in tables]
    for column in (column for table in copied for column in table.columns):
        if isinstance(column.type, sa.String | AutoString):  # the latter is what SQLModel makes of `str`
            column.type = sa.String(collation="C")
    return copied


def _elements(tables: list[sa.Table]) -> Iterator[CreateTable | CreateIndex | sa.Insert]:
    for table in [*tables, _VERSION]:
        yield CreateTable(table)
        yield from (CreateIndex(index) for index in table.indexes)
    yield sa.insert(Sequence).values(name="change", value=0)
    yield sa.insert(_VERSION).values(version_num=KNOWN_VERSIONS[-1])
