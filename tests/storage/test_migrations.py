from importlib import import_module
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext

from yingbin.storage.database import Database
from yingbin.storage.migrate import Tree, upgrade


@pytest.mark.parametrize("tree", [Tree.PROVINCE, Tree.TEMPLATES])
def test_migrations_make_what_the_models_say(tree: Tree, tmp_path: Path) -> None:
    database = Database(f"sqlite:///{tmp_path / 'new.db'}")
    upgrade(database, tree)
    upgrade(database, tree)
    with database.engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"version_table": f"alembic_version_{tree}"})
        assert compare_metadata(context, import_module(f"yingbin.storage.{tree}").Base.metadata) == []
    database.close()
