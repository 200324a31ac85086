"""The `yingbin` command. Sub-commands are entry points, loaded only when asked for."""

import sys
from importlib.metadata import entry_points

import typer
from rich.console import Console
from rich.markup import escape

from yingbin.errors import YingbinError


def _assemble(arguments: list[str]) -> typer.Typer:
    """Mount the sub-command that is asked for, or all for `--help`; no tier is imported for another's sake."""
    root = typer.Typer(help="Yingbin 迎宾: who came, why it matters, what to offer.", no_args_is_help=True)
    points = sorted(entry_points(group="yingbin.commands"), key=lambda point: point.name)
    wanted = [point for point in points if arguments and point.name == arguments[0]]
    for point in wanted or points:
        root.add_typer(point.load(), name=point.name)
    root.callback()(lambda: None)
    return root


def main() -> None:
    """Run the command line; an error raised on purpose becomes one readable line and exit code 1."""
    try:
        _assemble(sys.argv[1:])()
    except YingbinError as error:
        Console(stderr=True).print(
            f"[bold red]{error.code}[/]: {escape(error.message)}\n[dim]error id {error.error_id}[/]"
        )
        sys.exit(1)
