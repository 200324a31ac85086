"""Alembic environment of all three trees; `yingbin.storage.migrate` supplies the connection and the tree."""

from importlib import import_module

from alembic import context

_attributes = context.config.attributes
_tree = _attributes["tree"]
_metadata = import_module(f"yingbin.storage.{_tree}").Base.metadata

context.configure(
    connection=_attributes["connection"],
    target_metadata=_metadata,
    version_table=f"alembic_version_{_tree}",
    render_as_batch=True,
)
with context.begin_transaction():
    context.run_migrations()
