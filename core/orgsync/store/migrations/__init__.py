"""Versions of the control tables, run by alembic when a database is opened."""
