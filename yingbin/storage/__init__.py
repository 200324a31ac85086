"""Records: engine and unit of work, tables by owner, one Alembic tree per owner."""
