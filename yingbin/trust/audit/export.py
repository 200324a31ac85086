"""An excerpt of the trail that an auditor takes away, with all he needs to check it off-line.

One record a line, CSV or JSON lines, between two lines of JSON (after `# ` in CSV): whose chain it is, and the signed
head of the last record. In CSV and JSON alike bytes are hexadecimal, so the hashes can be recomputed by any program.
"""

import csv
import io
import json
from collections.abc import Iterable, Iterator
from typing import IO, Final

import msgspec

from yingbin.errors import InvalidInput
from yingbin.ids import now_ms
from yingbin.trust.audit.check import Checker, Fault
from yingbin.trust.audit.record import Head, Record, SignedHead, is_signed, sign
from yingbin.trust.devices import DeviceKey

FORMATS: Final = ("csv", "jsonl")
_FIELDS: Final = Record.__struct_fields__
_COLUMNS: Final = (*_FIELDS, "hash")
_MARK: Final = "# "


class Opening(msgspec.Struct, frozen=True):
    """First line: the writer, his public key (hexadecimal), and which format follows."""

    yingbin_audit_export: int
    writer: str
    public_key: str
    made_at_ms: int


class Closing(msgspec.Struct, frozen=True):
    """Last line: the last record's head, signed (hexadecimal)."""

    seq: int
    hash: str
    at_ms: int
    signature: str


def write(target: IO[str], records: Iterable[tuple[Record, bytes]], writer: str, key: DeviceKey, form: str) -> int:
    """Write an excerpt and return how many records it has. Raises `InvalidInput` when it would be empty."""
    mark = _MARK if form == "csv" else ""
    lines = csv.writer(target, lineterminator="\n")
    last: Head | None = None
    count = 0
    for record, stored in records:
        if last is None:
            opening = Opening(1, writer, key.public_bytes.hex(), now_ms())
            target.write(f"{mark}{msgspec.json.encode(opening).decode()}\n")
            if form == "csv":
                lines.writerow(_COLUMNS)
        row = [*(getattr(record, name) for name in _FIELDS[:-1]), record.prev_hash.hex(), stored.hex()]
        if form == "csv":
            lines.writerow(row)
        else:
            target.write(json.dumps(dict(zip(_COLUMNS, row, strict=True)), ensure_ascii=False) + "\n")
        last, count = Head(record.writer, record.seq, stored, record.at_ms), count + 1
    if last is None:
        raise InvalidInput("there is no record in that time")
    signed = sign(last, key)
    closing = Closing(last.seq, last.hash.hex(), last.at_ms, signed.signature.hex())
    target.write(f"{mark}{msgspec.json.encode(closing).decode()}\n")
    return count


def verify(source: IO[str], public_key: bytes | None, anchors: Iterable[SignedHead] = ()) -> tuple[Checker, str]:
    """Check an excerpt; return what was found, and the public key it claims (hexadecimal).

    Without `public_key` the file's own is believed: compare it with the one the bank has told you. Raises
    `InvalidInput` when it is no such file.
    """
    try:
        first = source.readline()
        opening = msgspec.json.decode(first.removeprefix(_MARK), type=Opening)
        claimed = bytes.fromhex(opening.public_key)
        reader = _Lines(source, csv_columns=first.startswith(_MARK))
        return _checked(reader, opening, public_key or claimed, list(anchors)), opening.public_key
    except (msgspec.DecodeError, ValueError, csv.Error, UnicodeDecodeError) as error:
        raise InvalidInput(f"this is not an export of the audit trail, or a damaged one: {error}") from error


def _checked(lines: "_Lines", opening: Opening, public_key: bytes, anchors: list[SignedHead]) -> Checker:
    records = iter(lines)
    first = next(records, None)
    before = Head(opening.writer, first[0].seq - 1, first[0].prev_hash, 0) if first else None
    checker = Checker(opening.writer, public_key)
    if first is None or before is None:
        checker.fault = Fault(opening.writer, 0, "the export holds no record")
        return checker
    if before.seq:
        checker.last = before
    checker.follow([first])
    checker.expect(anchor for anchor in anchors if anchor.head.writer == opening.writer)
    checker.follow(records)
    if checker.fault is None and lines.closing is None:
        checker.fault = Fault(opening.writer, checker.last.seq + 1, "the file ends without its signed head: truncated")
    if checker.fault is None and lines.closing is not None:
        end = lines.closing
        signed = SignedHead(
            Head(opening.writer, end.seq, bytes.fromhex(end.hash), end.at_ms), bytes.fromhex(end.signature)
        )
        if not is_signed(signed, public_key):
            checker.fault = Fault(opening.writer, end.seq, "the head of the export is not signed with that key")
        elif (signed.head.seq, signed.head.hash) != (checker.last.seq, checker.last.hash):
            checker.fault = Fault(
                opening.writer, checker.last.seq + 1, f"is missing: the export was made up to record {end.seq}"
            )
    return checker


class _Lines:
    """The records of an excerpt; `closing` once its last line was read."""

    def __init__(self, source: IO[str], *, csv_columns: bool) -> None:
        self._source = source
        self._csv = csv_columns
        self.closing: Closing | None = None

    def __iter__(self) -> Iterator[tuple[Record, bytes]]:
        if self._csv and next(csv.reader([self._source.readline()]), []) != list(_COLUMNS):
            raise InvalidInput("the second line of a CSV export names its columns; these are others")
        for line in self._source:
            if self.closing is not None:
                raise InvalidInput("something follows the signed head")
            if self._csv and not line.startswith(_MARK):
                (fields,) = csv.reader(io.StringIO(line))
                yield _record(dict(zip(_COLUMNS, fields, strict=True)))
            else:
                values = json.loads(line.removeprefix(_MARK))
                if "signature" in values:
                    self.closing = msgspec.convert(values, Closing)
                else:
                    yield _record(values)


def _record(values: dict[str, object]) -> tuple[Record, bytes]:
    text = {name: str(values[name]) for name in _COLUMNS}
    numbers = {name: int(text[name]) for name in ("seq", "at_ms")}
    fields = {**text, **numbers, "prev_hash": bytes.fromhex(text["prev_hash"])}
    return Record(*(fields[name] for name in _FIELDS)), bytes.fromhex(text["hash"])  # type: ignore[arg-type]
