"""Schema migrations: three Alembic trees, one per owner of data, each with its own version table."""

from enum import StrEnum
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory

from yingbin.storage.database import Database, actionable_errors


class Tree(StrEnum):
    """Who owns the data: the province's records, the province's template store, or a city."""

    PROVINCE = "province"
    TEMPLATES = "templates"
    CITY = "city"


def config_for(tree: Tree) -> Config:
    """Return the Alembic configuration of one tree."""
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    config.set_main_option("version_locations", str(Path(__file__).parent / "migrations" / tree))
    config.set_main_option("path_separator", "os")
    config.attributes["tree"] = tree
    return config


def upgrade(database: Database, tree: Tree) -> None:
    """Bring the schema of `tree` up to date; safe to repeat."""
    config = config_for(tree)
    with actionable_errors(), database.engine.begin() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, "head")


def is_current(database: Database, tree: Tree) -> bool:
    """Return whether the schema of `tree` is there and up to date. Raises `Unavailable`."""
    heads = ScriptDirectory.from_config(config_for(tree)).get_heads()
    with actionable_errors(), database.engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"version_table": f"alembic_version_{tree}"})
        return set(context.get_current_heads()) == set(heads)
