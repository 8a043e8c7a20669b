"""Tables and transactions on SQLite and PostgreSQL; no row and no connection leaves this folder."""
