"""A row of the list: whom to enrol where, by which photo, on the strength of which consents."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Final

from pydantic import ValidationError

from province_server.batch import fields
from province_server.batch.tables import Table
from province_server.cards import Customer
from province_server.consents import Grant
from yingbin.errors import InvalidInput
from yingbin.trust.consent import GALLERY_PURPOSE, Gallery, Purpose

NEEDED: Final = ("customer_id", "gallery", "photo", "notice_version")
_EVIDENCE: Final = {f"evidence_{purpose}": purpose for purpose in Purpose}
COLUMNS: Final = frozenset({*NEEDED, *_EVIDENCE, "by_guardian", *fields.COLUMNS})
MAX_ROWS: Final = 200_000


class RowRefused(InvalidInput):
    """A row cannot be used; `reason` is one of the codes in `batch/reasons.json`."""

    code = "row_refused"

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Row:
    """A checked row. `customer`: the record to register him with, None when the list has no columns for it."""

    customer_id: str
    gallery: Gallery
    photo: str
    grants: dict[Purpose, Grant]
    customer: Customer | None


def check_columns(table: Table) -> None:
    """Raise `MissingColumn` or `UnknownColumn` unless this table is such a list."""
    table.require(*NEEDED)
    table.allow(COLUMNS)
    if not any(column in table.columns for column in _EVIDENCE):
        table.require(*(column for column, purpose in _EVIDENCE.items() if purpose is Purpose.VIP_SERVICE))


def row_of(cells: Mapping[str, str]) -> Row:
    """Return a row of the list. Raises `RowRefused`."""
    customer_id = cells["customer_id"]
    if not 1 <= len(customer_id) <= 64 or "/" in customer_id or not customer_id.isprintable():
        raise RowRefused("bad_customer_id")
    if cells["gallery"] not in GALLERY_PURPOSE:
        raise RowRefused("unknown_gallery")
    return Row(customer_id, Gallery(cells["gallery"]), photo_name(cells["photo"]), _grants(cells), _customer(cells))


def photo_name(text: str) -> str:
    """Return the name of a photo below the folder it is in. Raises `RowRefused` for one that leads out of it."""
    path = PurePosixPath(text.replace("\\", "/"))
    if not text or path.is_absolute() or ".." in path.parts or ":" in path.parts[0] or not text.isprintable():
        raise RowRefused("bad_photo_name")
    return str(path)


def _grants(cells: Mapping[str, str]) -> dict[Purpose, Grant]:
    by_guardian = cells.get("by_guardian", "").lower() in {"1", "true", "yes", "是"}
    try:
        return {
            purpose: Grant(notice_version=cells["notice_version"], evidence=cells[column], by_guardian=by_guardian)
            for column, purpose in _EVIDENCE.items()
            if cells.get(column)
        }
    except ValidationError as error:
        raise RowRefused("bad_consent") from error


def _customer(cells: Mapping[str, str]) -> Customer | None:
    if not any(cells.get(column) for column in fields.COLUMNS if column != "customer_id"):
        return None
    customer, faults = fields.customer_of(cells)
    if customer is None:
        raise RowRefused(f"record_{faults[0].code}")
    return customer
