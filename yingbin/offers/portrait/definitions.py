"""What the tags are: `tags.toml`, checked on reading against the bank's tables and the consents they need."""

import tomllib
from collections.abc import Iterator, Mapping
from datetime import date, timedelta
from enum import StrEnum
from functools import cache
from importlib import resources
from typing import Annotated, Final, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from yingbin.errors import BadConfiguration
from yingbin.offers.bank.schema import BY_NAME
from yingbin.offers.toml_lines import Lines
from yingbin.trust.consent import Purpose

_Word = Annotated[str, Field(min_length=1, max_length=400)]
_Id = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{1,63}$")]


class Kind(StrEnum):
    """How a value is to be read: `flag` is said only when true, `share` is 0..1, `change` from -1 up, `level` 1..5."""

    FLAG = "flag"
    COUNT = "count"
    DAYS = "days"
    SHARE = "share"
    CHANGE = "change"
    FEN = "fen"
    LEVEL = "level"
    CHOICE = "choice"
    DATE = "date"


class Named(BaseModel):
    """One of the eight groups, or a kind of event of the timeline."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    id: _Id
    name_zh: _Word
    name_en: _Word


class Tag(BaseModel):
    """One tag. The keys are explained at the top of `tags.toml`."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    id: _Id
    group: _Id
    name_zh: _Word
    name_en: _Word
    definition_zh: _Word
    definition_en: _Word
    type: Kind
    sources: Annotated[tuple[str, ...], Field(min_length=1)]
    purposes: Annotated[frozenset[Purpose], Field(min_length=1)]
    refresh: Literal["daily", "monthly"]
    expires_days: Annotated[int, Field(ge=1, le=366)]
    shown: Literal["tablet", "inside"]
    choices: tuple[tuple[str, str, str], ...] = ()

    @property
    def tables(self) -> frozenset[str]:
        """The source tables it is computed from."""
        return frozenset(source.partition(".")[0] for source in self.sources)

    def stated_on(self, as_of: date) -> date:
        """Return the day whose end it describes, for data as of the end of `as_of`."""
        return as_of if self.refresh == "daily" else last_month_end(as_of)

    def expires_on(self, stated_on: date) -> date:
        """Return the last day on which it may be shown."""
        return stated_on + timedelta(days=self.expires_days)

    def words(self, value: str) -> tuple[str, str]:
        """Return a value in Chinese and English. Raises ValueError for one that is not of the tag's type."""
        match self.type:
            case Kind.FLAG:
                return "是", "yes"
            case Kind.DAYS:
                return f"{int(value)} 天", f"{int(value)} days"
            case Kind.SHARE:
                return f"{float(value):.0%}", f"{float(value):.0%}"
            case Kind.CHANGE:
                return f"{float(value):+.0%}", f"{float(value):+.0%}"
            case Kind.FEN:
                yuan = f"¥{int(value) / 100:,.0f}"
                return yuan, yuan
            case Kind.LEVEL:
                letter = "C" if self.tables == {"risk_assessments"} else "R"
                return f"{letter}{int(value)}", f"{letter}{int(value)}"
            case Kind.CHOICE:
                return self._choice(value)
            case Kind.DATE:
                day = date.fromisoformat(value).isoformat()
                return day, day
            case Kind.COUNT:
                return f"{int(value):,}", f"{int(value):,}"

    def _choice(self, value: str) -> tuple[str, str]:
        for code, zh, en in self.choices:
            if code == value:
                return zh, en
        raise ValueError(f"tag {self.id} has no choice {value!r}")


class Tags(BaseModel):
    """The whole file, in its order."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    group: tuple[Named, ...]
    tag: tuple[Tag, ...]
    event: tuple[Named, ...]

    def of(self, group: str) -> tuple[Tag, ...]:
        """Return the tags of a group."""
        return tuple(tag for tag in self.tag if tag.group == group)

    @property
    def by_id(self) -> Mapping[str, Tag]:
        """The tags by their id."""
        return {tag.id: tag for tag in self.tag}


class BadTags(BadConfiguration):
    """The definitions contradict themselves, the bank's tables or the consents those need."""

    code = "bad_tags"


def last_month_end(as_of: date) -> date:
    """Return the last day of the last month that is over at the end of `as_of`."""
    tomorrow = as_of + timedelta(days=1)
    return as_of if tomorrow.day == 1 else as_of.replace(day=1) - timedelta(days=1)


PACKAGED: Final = "tags.toml"


@cache
def packaged_tags() -> Tags:
    """Return the packaged definitions."""
    return parse_tags((resources.files(__package__) / PACKAGED).read_text(encoding="utf-8"))


def parse_tags(text: str, name: str = PACKAGED) -> Tags:
    """Read definitions. Raises `BadTags` with every mistake and its line."""
    lines = Lines(text)
    try:
        tags = Tags.model_validate(tomllib.loads(text))
    except tomllib.TOMLDecodeError as error:
        raise BadTags(f"{name}: {error}") from error
    except ValidationError as error:
        said = [f"{name}:{lines.of(one['loc'])}: {one['loc']}: {one['msg']}" for one in error.errors()]
        raise BadTags("\n".join(said)) from error
    mistakes = [f"{name}:{lines.of(('tag', number, key))}: {said}" for number, key, said in _mistakes(tags)]
    if mistakes:
        raise BadTags("\n".join(mistakes))
    return tags


def _mistakes(tags: Tags) -> Iterator[tuple[int, str, str]]:
    groups = {group.id for group in tags.group}
    seen: set[str] = set()
    for number, tag in enumerate(tags.tag):
        if tag.id in seen:
            yield number, "id", f"{tag.id} is defined twice"
        seen.add(tag.id)
        if tag.group not in groups:
            yield number, "group", f"{tag.id}: there is no group {tag.group}"
        if bool(tag.choices) != (tag.type is Kind.CHOICE):
            yield number, "type", f"{tag.id}: choices go with type choice, and with no other"
        for source in tag.sources:
            yield from ((number, key, f"{tag.id}: {said}") for key, said in _source_mistakes(tag, source))


def _source_mistakes(tag: Tag, source: str) -> Iterator[tuple[str, str]]:
    name, _, column = source.partition(".")
    table = BY_NAME.get(name)
    if table is None:
        yield "sources", f"{name} is no table of the bank's schema (C9: a tag comes from these tables alone)"
        return
    if table.family == "record" and name != "outcomes":
        yield "sources", f"{name} is what the bank notes about its own doings, evidence of nothing"
    needed = {table.purpose}
    if column:
        try:
            needed.add(table.purpose_of(table.column(column)))
        except KeyError:
            yield "sources", f"{name} has no column {column}"
            return
    missing = sorted(purpose for purpose in needed if purpose is not None and purpose not in tag.purposes)
    if missing:
        yield "purposes", f"{source} needs consent to {', '.join(missing)}"
