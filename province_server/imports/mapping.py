"""How a source names things: TOML, from its columns, units and values to ours.

money = "yuan"                  # or "fen", the default
ignore = ["BRANCH_PHONE"]       # columns that are not for us
max_refused_share = 0.02        # above it nothing is written; 0.05 when absent

[columns]                       # theirs -> ours; what is not named keeps its name
CUST_NO = "customer_id"
DEMAND_BAL = "demand_deposit_fen"

[values.tier]                   # by our column, theirs -> ours
V3 = "vip_diamond"

[constants]                     # columns the source lacks
as_of = "2026-11-20"
"""

import tomllib
from collections.abc import Iterable, Mapping
from decimal import Decimal, InvalidOperation
from typing import Annotated, Final, Literal

import msgspec

from province_server.batch import fields
from province_server.batch.tables import MissingColumn, UnknownColumn
from yingbin.errors import InvalidInput

CHECKED_ONLY: Final = frozenset({"id_number", "account_closed"})
"""Columns that are compared with the others and then forgotten."""
_KNOWN: Final = CHECKED_ONLY | set(fields.COLUMNS)
_OF_PROFILES: Final = ("customer_id", "as_of")
"""All that a table without names needs (`yingbin offers data profiles`): it only brings known customers up to date."""
_CENTS: Final = Decimal(100)


class BadMapping(InvalidInput):
    """The mapping file cannot be used."""

    code = "bad_mapping"


class ColumnMapping(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """See the top of this module."""

    columns: dict[str, str] = {}
    money: Literal["fen", "yuan"] = "fen"
    values: dict[str, dict[str, str]] = {}
    constants: dict[str, str] = {}
    ignore: tuple[str, ...] = ()
    max_refused_share: Annotated[float, msgspec.Meta(ge=0, le=1)] = 0.05

    @classmethod
    def read(cls, content: bytes) -> "ColumnMapping":
        """Read a TOML file. Raises `BadMapping` naming what is wrong."""
        try:
            mapping = msgspec.convert(tomllib.loads(content.decode("utf-8-sig")), cls)
        except (UnicodeDecodeError, tomllib.TOMLDecodeError, msgspec.ValidationError) as error:
            raise BadMapping(f"the mapping file: {error}") from error
        unknown = sorted({*mapping.columns.values(), *mapping.values, *mapping.constants} - _KNOWN)
        if unknown:
            raise BadMapping(f"the mapping file names columns that are not ours: {', '.join(unknown[:10])}")
        ours = [*mapping.columns.values(), *mapping.constants]
        twice = sorted({name for name in ours if ours.count(name) > 1})
        if twice:
            raise BadMapping(f"the mapping file fills a column twice: {', '.join(twice)}")
        return mapping

    def named(self, theirs: Iterable[str]) -> tuple[str, ...]:
        """Return our columns for theirs and the constants. Raises `UnknownColumn`, `MissingColumn`."""
        named = [self.columns.get(column, column) for column in theirs if column not in self.ignore]
        unknown = [column for column in named if column not in _KNOWN]
        if unknown:
            raise UnknownColumn(
                f"unknown: {', '.join(unknown[:10])}; name what they mean under [columns], or list them in `ignore`"
            )
        ours = (*named, *(column for column in self.constants if column not in named))
        required = fields.REQUIRED if "full_name" in ours else _OF_PROFILES
        missing = [column for column in required if column not in ours]
        if missing:
            raise MissingColumn(f"the table lacks: {', '.join(missing)}; map them, or give a constant")
        return ours

    def row(self, theirs: Mapping[str, str]) -> dict[str, str]:
        """Return a row in our columns, units and values; what cannot be converted stays as it is, to be refused."""
        row = dict(self.constants)
        for column, cell in theirs.items():
            if column in self.ignore:
                continue
            name = self.columns.get(column, column)
            cell = self.values.get(name, {}).get(cell, cell)  # noqa: PLW2901 - the same cell in our words
            row[name] = _fen(cell) if self.money == "yuan" and name in fields.AMOUNTS else cell
        return row


def _fen(yuan: str) -> str:
    try:
        fen = Decimal(yuan.replace(",", "")) * _CENTS
        return str(int(fen)) if fen == fen.to_integral_value() else yuan
    except (InvalidOperation, ValueError, OverflowError):
        return yuan
