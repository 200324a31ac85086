"""`yingbin pad ...`."""

import sys
from datetime import UTC, datetime
from typing import Annotated

import msgspec
import typer
from rich.console import Console, Group
from rich.panel import Panel
from rich.text import Text

from pad_client.session import Session
from pad_client.tail import tail
from yingbin.pad_wire import Card, CardMessage, CityToPad, PadRefused, Portrait, Welcome

app = typer.Typer(no_args_is_help=True, help="The tablet's stream without a tablet.")


@app.callback()
def _pad() -> None:
    """Keep `tail` a sub-command while it is the only one."""


@app.command(name="tail")
def tail_command(
    url: Annotated[str, typer.Option(help="The city's tablet gateway, ws://host:port/v1/pad.")],
    token: Annotated[str, typer.Option(envvar="YINGBIN_PAD_TOKEN", help="Better in the environment than in `ps`.")],
    as_json: Annotated[bool, typer.Option("--json", help="One JSON line per message, with received_at_ms.")] = False,
    acknowledge: Annotated[bool, typer.Option(help="Take every open card, so that it does not escalate.")] = False,
) -> None:
    """Show what a tablet would show, as it happens; reconnects by itself and catches up."""
    messages = Console(stderr=True)

    def line_down(reason: str, delay_s: float) -> None:
        messages.print(Text(f"线路中断 line down: {reason}; trying again in {delay_s:.1f} s", style="yellow"))

    try:
        tail(url, Session(token, acknowledge), _print_json if as_json else _Pretty(Console()), line_down)
    except KeyboardInterrupt:
        messages.print("bye")


def _print_json(message: CityToPad, received_at_ms: int) -> None:
    line = {**msgspec.to_builtins(message), "received_at_ms": received_at_ms}
    sys.stdout.buffer.write(msgspec.json.encode(line) + b"\n")
    sys.stdout.buffer.flush()


class _Pretty:
    """Prints a panel per card; beats are silent."""

    def __init__(self, console: Console) -> None:
        self._console = console

    def __call__(self, message: CityToPad, received_at_ms: int) -> None:
        at = datetime.fromtimestamp(received_at_ms / 1000, UTC).astimezone().strftime("%H:%M:%S")
        match message:
            case Welcome():
                self._console.print(
                    Text(f"{at} {message.branch_zh} {message.branch_en} · {message.display_name}", "green")
                )
            case CardMessage():
                if message.ring:
                    self._console.bell()
                gone = Text(f"{at} withdrawn: a card was taken back", "dim")
                self._console.print(gone if message.card.state == "withdrawn" else _panel(message, at))
            case Portrait():
                self._console.print(Text(f"{at} {_portrait(message)}", "cyan"))
            case PadRefused():
                self._console.print(Text(f"{at} {message.code}: {message.message} ({message.error_id})", "red"))
            case _:
                pass


def _portrait(message: Portrait) -> str:
    """Return how much there is; amounts and facts do not belong into a terminal's scrollback."""
    if not message.available:
        return "画像 portrait: the province cannot be reached"
    tags = sum(len(group.tags) for group in message.groups)
    since = f" since {message.since}" if message.since else ""
    return (
        f"画像 portrait: {tags} tags, {len(message.holdings)} holdings, {len(message.timeline)} events, "
        f"{len(message.changes)} changes{since}, {len(message.insights)} insights"
    )


def _panel(message: CardMessage, at: str) -> Panel:
    card = message.card
    title = Text(f" {card.surname}{card.honorific_zh} {card.honorific_en} · {card.tier} ", "bold")
    return Panel(
        Group(*_lines(card)),
        title=title,
        subtitle=Text(f" {at} · seq {message.seq} · {card.state} · {card.assigned_to or '-'} "),
        border_style="green" if message.ring else "dim",
        width=96,
    )


def _lines(card: Card) -> list[Text]:
    where = f"{card.last.camera_role} ({card.last.camera_id})"
    photo = "photo" if card.photo else "no photo yet"
    lines = [Text(f"{where} · found at {card.recognised_by} · {photo} · 请核实身份 verify identity", "dim")]
    for rank, offer in enumerate(card.offers):
        lines.append(Text(f"{'★' if rank == 0 else '·'} {offer.name_zh}  {offer.name_en}", "bold" if rank == 0 else ""))
        lines.append(Text(f"  {offer.reason_zh}", "dim"))
        if offer.talking_point_zh:
            lines.append(Text(f"  “{offer.talking_point_zh}”"))
    lines.extend(Text(f"✗ {avoid.text_zh}", "red") for avoid in card.avoid)
    return lines
