"""`yingbin db`: bring a database's schema up to date."""

from typing import Annotated

import typer
from rich.console import Console

app = typer.Typer(help="Database schemas.", no_args_is_help=True)


@app.callback()
def _db() -> None:
    pass


@app.command()
def upgrade(
    tree: Annotated[str, typer.Argument(help="province, templates or city")],
    url: Annotated[str, typer.Option(envvar="YINGBIN_DB_URL", help="SQLAlchemy URL of the database")],
) -> None:
    """Create or upgrade the tables of one owner."""
    from yingbin.errors import BadConfiguration
    from yingbin.storage import migrate
    from yingbin.storage.database import Database

    if tree not in list(migrate.Tree):
        raise BadConfiguration(f"unknown tree {tree}; one of: {', '.join(migrate.Tree)}")
    migrate.upgrade(Database(url), migrate.Tree(tree))
    Console().print(f"[green]{tree}[/]: schema is up to date")
