from importlib import import_module
from pathlib import Path

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import text

from yingbin.storage.database import Database
from yingbin.storage.migrate import Tree, config_for, upgrade
from yingbin.wire import DEFAULT_MIN_FACE_PX


@pytest.mark.parametrize("tree", list(Tree))
def test_migrations_make_what_the_models_say(tree: Tree, tmp_path: Path) -> None:
    database = Database(f"sqlite:///{tmp_path / 'new.db'}")
    upgrade(database, tree)
    upgrade(database, tree)
    with database.engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"version_table": f"alembic_version_{tree}"})
        assert compare_metadata(context, import_module(f"yingbin.storage.{tree}").Base.metadata) == []
    database.close()


def test_C3_cameras_registered_before_local_recognition_existed_do_not_have_it(tmp_path: Path) -> None:
    database = Database(f"sqlite:///{tmp_path / 'old.db'}")
    config = config_for(Tree.PROVINCE)
    with database.engine.begin() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, "province_0001")
        for statement in (
            "INSERT INTO cities VALUES ('c', 'c', x'00', 0)",
            "INSERT INTO branches VALUES ('b', 'c', 'b', 'b')",
            "INSERT INTO boxes VALUES ('x', 'b', x'00', 0)",
            "INSERT INTO assessments VALUES ('a', 1, '[]', '[]', '[]')",
            "INSERT INTO cameras VALUES ('m', 'b', 'x', 'entrance', 'feature', 'a')",
        ):
            connection.execute(text(statement))
    upgrade(database, Tree.PROVINCE)
    with database.engine.connect() as connection:
        for table in ("assessments", "cameras"):
            assert connection.execute(text(f"SELECT local_recognition FROM {table}")).scalar() == 0  # noqa: S608
        assert connection.execute(text("SELECT min_face_px FROM cameras")).scalar() == DEFAULT_MIN_FACE_PX
    database.close()
