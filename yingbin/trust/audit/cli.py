"""`yingbin audit`: verify a trail, export an excerpt, hand over what is kept of the other tier's."""

import sys
from datetime import UTC, datetime
from importlib.metadata import entry_points
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console

from yingbin.errors import BadConfiguration, InvalidInput

if TYPE_CHECKING:
    from yingbin.storage.database import Database
    from yingbin.trust.audit.check import Checker
    from yingbin.trust.audit.ledger import Ledger
    from yingbin.trust.audit.record import SignedHead

app = typer.Typer(help="The audit trail: is it whole, and what does it say?", no_args_is_help=True)

_ACKNOWLEDGED = 3
"""Exit code of `verify` for a chain that is whole but for records lost by a restore, as it says itself."""
_TIERS = ("province", "city")
_Config = Annotated[
    Path | None, typer.Option("--config", help="settings file of the province or of a city; environment wins over it")
]
_Anchors = Annotated[
    list[Path] | None, typer.Option("--anchors", help="heads kept at the other tier, by `yingbin audit anchors` there")
]
_out = Console(highlight=False, soft_wrap=True)


@app.command()
def verify(
    config: _Config = None,
    anchors: _Anchors = None,
    file: Annotated[Path | None, typer.Option("--file", help="check this export instead, off-line")] = None,
    public_key: Annotated[
        str, typer.Option("--public-key", help="hexadecimal key the writer must have signed with; as told by the bank")
    ] = "",
    as_json: Annotated[bool, typer.Option("--json", help="one JSON object as the last line of stdout")] = False,
) -> None:
    """Walk a whole chain. Exit code 1 names the first record that was changed, removed, moved or cut off.

    Exit code 3: nothing but what a restored backup lost and somebody acknowledged, see `acknowledge-restore`.

    A chain that somebody with all keys has written anew shows only against heads kept elsewhere: give them with
    --anchors. Those that the other tier sent back, and that lie beside the chain, are always compared.
    """
    kept = [signed for path in anchors or () for signed in _read_anchors(path)]
    if file is not None:
        checkers = [_verify_file(file, public_key, kept)]
    else:
        database, ledger = _open(config)
        checkers = _verify_chain(database, ledger, kept)
        database.close()
    faults = [checker.fault for checker in checkers if checker.fault]
    gaps = [gap for checker in checkers for gap in checker.gaps]
    for checker in checkers:
        if checker.fault is None:
            _out.print(
                f"{'[yellow]whole but for what is acknowledged[/]' if checker.gaps else '[green]whole[/]'}: "
                f"{checker.writer}, {checker.checked:,} records up to {checker.last.seq}, "
                f"of which the other tier vouches for {checker.anchored_up_to or 'none'}"
                + (" and what is before" if checker.anchored_up_to else "")
            )
    for gap in gaps:
        _out.print(f"[yellow]acknowledged[/]: {gap}")
    for fault in faults:
        _out.print(f"[bold red]broken[/]: {fault}")
    if as_json:
        import msgspec

        answer = {
            "writers": [
                {"writer": one.writer, "records": one.checked, "up_to": one.last.seq, "anchored": one.anchored_up_to}
                for one in checkers
            ],
            "acknowledged": gaps,
            "faults": faults,
        }
        typer.echo(msgspec.json.encode(answer).decode())
    if faults or gaps:
        raise typer.Exit(1 if faults else _ACKNOWLEDGED)


@app.command(name="acknowledge-restore")
def acknowledge_restore(
    staff_id: Annotated[str, typer.Option("--by", help="staff id of who answers for it; recorded as a pseudonym")],
    config: _Config = None,
    anchors: _Anchors = None,
    why: Annotated[str, typer.Option("--why", help="what happened, and which backup was restored")] = "",
    statement: Annotated[
        Path | None, typer.Option("--statement", help="at the other tier: what this command printed where it happened")
    ] = None,
) -> None:
    """Record which records a restored backup lost, and print the signed statement of it as one JSON object.

    Where the backup was restored, give the heads that the other tier keeps (--anchors) and --why. Then, at each other
    tier, --statement. From then on `verify` calls the gap acknowledged and ends with code 3; it never calls it whole.
    """
    import getpass

    import msgspec

    from yingbin.trust.audit import acknowledge

    if (statement is None) == (not anchors):
        raise InvalidInput("give either --anchors, where the backup was restored, or --statement, at the other tier")
    actor = f"cli:{getpass.getuser()}"
    database, ledger = _open(config)
    if statement is not None:
        gap = acknowledge.loss_elsewhere(database, ledger, statement.read_bytes(), actor, staff_id)
    else:
        heads = [signed for path in anchors or () for signed in _read_anchors(path)]
        gap = acknowledge.loss(database, ledger, heads, actor, staff_id, why)
    database.close()
    typer.echo(msgspec.json.encode(gap).decode())


@app.command()
def export(
    config: _Config = None,
    since: Annotated[str, typer.Option("--from", help="ISO 8601; UTC unless it says otherwise")] = "1970-01-01",
    until: Annotated[str, typer.Option("--to", help="ISO 8601, not included; without it: to the end")] = "",
    form: Annotated[str, typer.Option("--format", help="csv or jsonl")] = "csv",
    to_file: Annotated[Path | None, typer.Option("--output", help="a new file; without it: stdout")] = None,
) -> None:
    """Write the records of a time for an auditor, with the signed head he checks them against; this is recorded too."""
    import getpass

    from yingbin.trust.audit import export as excerpt
    from yingbin.trust.audit.record import Entry

    if form not in excerpt.FORMATS:
        raise InvalidInput(f"--format is one of {', '.join(excerpt.FORMATS)}")
    database, ledger = _open(config)
    from_ms, to_ms = _ms(since), _ms(until) if until else None
    with database.read() as session:
        first, last = ledger.range(session, from_ms, to_ms)
    if last < first:
        raise InvalidInput("there is no record in that time")
    with database.write() as session:
        about: dict[str, str | int] = {"from_ms": from_ms, "records": last - first + 1, "format": form}
        ledger.append(session, [Entry(f"cli:{getpass.getuser()}", "operator", "audit_export", details=about)])
    target = to_file.open("x", encoding="utf-8", newline="") if to_file else sys.stdout
    with database.read() as session:
        count = excerpt.write(target, ledger.records(session, first - 1, last), ledger.writer, ledger.key, form)
    if to_file:
        target.close()
        _out.print(f"[green]{to_file}[/]: {count:,} records; check it with: yingbin audit verify --file {to_file}")
    database.close()


@app.command()
def anchors(config: _Config = None) -> None:
    """Print the heads of other writers that are kept here, one JSON object a line, to verify those chains with."""
    import msgspec

    database, ledger = _open(config)
    with database.read() as session:
        for signed in ledger.foreign_anchors(session):
            head = signed.head
            typer.echo(
                msgspec.json.encode(
                    {
                        "writer": head.writer,
                        "seq": head.seq,
                        "hash": head.hash.hex(),
                        "at_ms": head.at_ms,
                        "signature": signed.signature.hex(),
                    }
                ).decode()
            )
    database.close()


@app.command()
def pseudonym(
    kind: Annotated[str, typer.Argument(help="customer, staff, ...")],
    identifier: Annotated[str, typer.Argument(help="the id somebody asks about")],
    config: _Config = None,
) -> None:
    """Print under which name an id stands in this trail."""
    database, ledger = _open(config)
    database.close()
    typer.echo(ledger.pseudonyms.of(kind, identifier))


def _verify_file(path: Path, public_key: str, kept: "list[SignedHead]") -> "Checker":
    from yingbin.trust.audit import export as excerpt

    with path.open(encoding="utf-8", newline="") as source:
        checker, claimed = excerpt.verify(source, _key(public_key), kept)
    if not public_key:
        _out.print(f"signed with the public key {claimed}: compare it with the one that the bank has told you")
    return checker


def _verify_chain(database: "Database", ledger: "Ledger", kept: "list[SignedHead]") -> "list[Checker]":
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with database.read() as session, Progress(*columns, console=Console(stderr=True)) as bar:
        checkers = [ledger.checker(session, kept), *ledger.check_foreign(session)]
        mine, head = checkers[0], ledger.head(session)
        task = bar.add_task(ledger.writer, total=max(head.seq - mine.last.seq, 0))
        mine.follow(bar.track(ledger.records(session, mine.last.seq), task_id=task))
        mine.finish(head)
    return checkers


def _open(config: Path | None) -> "tuple[Database, Ledger]":
    """Open the trail of the tier whose settings these are: no file is understood by two of them."""
    from yingbin.storage.database import Database
    from yingbin.trust.audit import chains
    from yingbin.trust.devices import DeviceKey
    from yingbin.trust.keystore import FileKeyStore

    tier, settings = _settings(config)
    keystore = FileKeyStore(settings["keystore_file"], settings["keystore_passphrase"].get_secret_value())
    keystore.get(chains.PSEUDONYM_KEY)  # a store that has it not has no trail, and gets no key from here
    if tier == "province":
        ledger = chains.province_ledger(keystore)
    else:
        ledger = chains.city_ledger(settings["city_id"], DeviceKey.load(settings["key_file"]), keystore)
    return Database(settings["database_url"]), ledger


def _settings(config: Path | None) -> tuple[str, dict[str, Any]]:
    refused = []
    for tier in _TIERS:
        (point,) = entry_points(group="yingbin.settings", name=tier)
        try:
            return tier, point.load().load(config).model_dump()
        except BadConfiguration as error:
            refused.append(error.message)
    raise BadConfiguration("these are settings neither of a province nor of a city: " + " | ".join(refused))


def _read_anchors(path: Path) -> "list[SignedHead]":
    import msgspec

    from yingbin.trust.audit.record import Head, SignedHead

    try:
        values = [msgspec.json.decode(line) for line in path.read_bytes().splitlines() if line]
        return [
            SignedHead(
                Head(one["writer"], int(one["seq"]), bytes.fromhex(one["hash"]), int(one["at_ms"])),
                bytes.fromhex(one["signature"]),
            )
            for one in values
        ]
    except (OSError, msgspec.DecodeError, KeyError, TypeError, ValueError) as error:
        raise InvalidInput(f"{path} is not what `yingbin audit anchors` prints: {error}") from error


def _key(text: str) -> bytes | None:
    try:
        return bytes.fromhex(text) or None
    except ValueError as error:
        raise InvalidInput("--public-key is 64 hexadecimal digits") from error


def _ms(text: str) -> int:
    try:
        at = datetime.fromisoformat(text)
    except ValueError as error:
        raise InvalidInput(f"{text} is no date: write e.g. 2026-11-23 or 2026-11-23T08:00+08:00") from error
    return round((at if at.tzinfo else at.replace(tzinfo=UTC)).timestamp() * 1000)
