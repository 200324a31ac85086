"""What the file of an insight may say, and the library of them; every mistake is found when it is loaded."""

import re
import tomllib
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from typing import Annotated, Any, Final, Literal, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError, model_validator

from yingbin.errors import BadConfiguration
from yingbin.offers.entries import Code
from yingbin.offers.toml_lines import Lines
from yingbin.offers.wording import INCOME_GAP_EN, INCOME_GAP_ZH, forbidden
from yingbin.trust.consent import Purpose

EvidenceFamily = Literal[
    "account", "transaction", "application", "browsing", "card_presence", "contact", "self_declared"
]
"""Where evidence comes from: `bank.schema.Family` without the bank's own notes, which are evidence of nothing."""

HARD: Final = frozenset({"account", "transaction"})
"""Families the bank itself booked. The others are somebody's behaviour or word: soft."""


def family_consents(family: EvidenceFamily) -> tuple[Purpose, ...]:
    """Return what evidence of a family needs beyond the consents of its insight."""
    return (Purpose.WHEREABOUTS,) if family == "card_presence" else ()


_FORBIDDEN_SQL: Final = re.compile(
    r"\bat_ms\b|\bmain\s*\.|\bread_\w+|\bhour|\bminute|\bepoch|\bnow\s*\(|\bcurrent_|\bdecisions\b|\boutcomes\b"
    r"|\b(?:insert|update|delete|create|drop|copy|attach|install|load|pragma|set)\b",
    re.IGNORECASE,
)
"""Clocks (C16), ways around the views of `timeless.py`, and anything but a query."""


class BadInsight(BadConfiguration):
    """A file of the library cannot be used; the message names file, line and what is wrong."""

    code = "bad_insight"


def _query(sql: str) -> str:
    if not re.match(r"\s*(?:SELECT|WITH)\b", sql):
        raise ValueError("must be one query that begins with SELECT or WITH")
    if ";" in sql:
        raise ValueError("must be one query, without `;`")
    if found := _FORBIDDEN_SQL.search(sql):
        raise ValueError(f"may not contain {found.group()!r}: insights see days, not clocks, and only their views")
    return sql


def _sayable(text: str) -> str:
    if bad := forbidden(text):
        raise ValueError(f"must not be shown on a tablet: {bad}")
    return text


Query = Annotated[str, AfterValidator(_query)]
Sentence = Annotated[str, AfterValidator(_sayable)]


class _Strict(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)


class Signal(_Strict):
    """Evidence of one family. `sql` returns the insight's key, strength 0..1, support (a count) and days_ago.

    The first signal of a file raises the hypothesis; later ones, and contradictions, see its keys as `claimed`.
    """

    name: Code
    family: EvidenceFamily
    min_support: int = Field(ge=1, le=10_000)
    sql: Query

    @property
    def consents(self) -> tuple[Purpose, ...]:
        """Return what this evidence needs beyond the consents of its insight, of both customers in a relation."""
        return family_consents(self.family)


class Contradiction(_Strict):
    """A look-alike: whoever `sql` returns, by customer_id and, in a relation, other_id, is left in peace."""

    name: Code
    why: str = Field(min_length=8)
    sql: Query


class Insight(_Strict):
    """One insight, as its file declares it; `claims` in plain words, for the person himself to read.

    `relation`: it is about two customers, of whom both must have consented. `subject`: it is about a product.
    `consents` must all be in force. `raises` and `avoids` are product codes (`$subject` the subject itself), where
    `only_for`, if there, returns the key. `ask_*` is what the manager may ask while it is corroborated, `say_*` what he
    may state once the customer confirmed.
    """

    name: Code
    claims: str = Field(min_length=10)
    claims_zh: str = Field(min_length=6)
    relation: bool = False
    subject: Literal["", "product"] = ""
    consents: tuple[Purpose, ...] = Field(min_length=1)
    expires_days: int = Field(ge=7, le=730)
    effect: Literal["raise", "avoid", "caution"]
    raises: tuple[str, ...] = ()
    avoids: tuple[str, ...] = ()
    only_for: Query | None = None
    may_state: bool = False
    ask_zh: Sentence = ""
    ask_en: Sentence = ""
    say_zh: Sentence = ""
    say_en: Sentence = ""
    signal: tuple[Signal, ...] = Field(min_length=2)
    contradiction: tuple[Contradiction, ...] = ()

    @property
    def key(self) -> tuple[str, ...]:
        """Return the columns that tell two facts of this insight apart."""
        return ("customer_id", *(("other_id",) if self.relation else ()), *(("subject",) if self.subject else ()))

    @model_validator(mode="after")
    def _can_be_corroborated(self) -> Self:
        families = {signal.family for signal in self.signal}
        if len(families) < 2 or not families & HARD:
            raise ValueError("needs two families of evidence, one of them of account or transaction (C14)")
        if len({signal.name for signal in self.signal}) < len(self.signal):
            raise ValueError("two signals have the same name")
        if Purpose.MARKETING not in self.consents:
            raise ValueError("every insight needs the consent `marketing`")
        return self

    @model_validator(mode="after")
    def _says_what_it_may(self) -> Self:
        if bool(self.say_zh) != self.may_state or bool(self.say_zh) != bool(self.say_en):
            raise ValueError("say_zh and say_en belong to may_state = true, and to nothing else")
        if bool(self.ask_zh) != bool(self.ask_en):
            raise ValueError("ask_zh and ask_en come together")
        if (self.effect == "raise") != bool(self.raises) or (self.effect == "avoid") != bool(self.avoids):
            raise ValueError("effect raise goes with `raises`, avoid with `avoids`, caution with neither")
        if self.effect == "avoid" and (self.ask_zh, self.ask_en) != (INCOME_GAP_ZH, INCOME_GAP_EN):
            raise ValueError("what is not raised is explained with exactly the text of the income gap (C15)")
        return self


class Refused(_Strict):
    """Something that could be concluded and is not."""

    name: Code
    claims: str = Field(min_length=10)
    reason: str = Field(min_length=40)
    instead: str = ""


class RefusedFile(_Strict):
    """`refused.toml`."""

    refused: tuple[Refused, ...]


@cache
def load_library() -> Mapping[str, Insight]:
    """Return the packaged insights by name, in alphabetical order. Raises `BadInsight`."""
    found = sorted((files(__package__) / "library").iterdir(), key=lambda file: file.name)
    insights = [parse_insight(file.read_text("utf-8"), file.name) for file in found if file.name.endswith(".toml")]
    return {insight.name: insight for insight in insights}


@cache
def load_refused() -> tuple[Refused, ...]:
    """Return what is not concluded, with the reasons. Raises `BadInsight`."""
    text = (files(__package__) / "refused.toml").read_text("utf-8")
    return RefusedFile.model_validate(tomllib.loads(text)).refused


def parse_insight(text: str, file: str) -> Insight:
    """Check one file; the insight must be called as its file is. Raises `BadInsight`."""
    try:
        read: dict[str, Any] = tomllib.loads(text)
        insight = Insight.model_validate(read)
    except tomllib.TOMLDecodeError as error:
        raise BadInsight(f"{file}: {error}") from error
    except ValidationError as error:
        lines = Lines(text)
        wrong = "; ".join(
            f"line {lines.of(tuple(one['loc']))}, {'.'.join(map(str, one['loc'])) or 'file'}: {one['msg']}"
            for one in error.errors()
        )
        raise BadInsight(f"{file}: {wrong}") from error
    if file != f"{insight.name}.toml":
        raise BadInsight(f"{file}: the file of insight {insight.name} must be called {insight.name}.toml")
    return insight
