"""PostgreSQL as the store's database, by psycopg."""
