"""What alembic runs: migrations of the control tables, on the connection that the store hands over."""

from alembic import context

from orgsync.store.model import METADATA
from orgsync.store.versions import VERSION_TABLE

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=METADATA,
    version_table=VERSION_TABLE,
    render_as_batch=True,  # how SQLite alters a table
)
context.run_migrations()
