"""Rules that propose candidates: `candidates.toml`, checked on reading against the tags and the rules of wording."""

import hashlib
import json
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import Annotated, Final

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from yingbin.errors import BadConfiguration
from yingbin.offers.expression import BadExpression, Condition, Fact
from yingbin.offers.portrait.definitions import Kind, Tag, Tags, packaged_tags
from yingbin.offers.toml_lines import Lines
from yingbin.offers.wording import forbidden
from yingbin.trust.consent import Purpose

PACKAGED: Final = "candidates.toml"
_REASON: Final = r"^[^\x00-\x1f<>]+$"


class RuleText(BaseModel):
    """One rule. The keys are explained at the top of `candidates.toml`."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{1,47}$")]
    when: Annotated[str, Field(min_length=1, max_length=400)]
    reason_zh: Annotated[str, Field(min_length=1, max_length=40, pattern=_REASON)]
    reason_en: Annotated[str, Field(min_length=1, max_length=77, pattern=_REASON)]
    expires_days: Annotated[int, Field(ge=1, le=180)]

    @property
    def reason(self) -> str:
        """Both languages in one line, at most 120 characters."""
        return f"{self.reason_zh} / {self.reason_en}"


class _File(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    version: Annotated[str, Field(pattern=r"^[A-Za-z0-9_.-]{1,20}$")]
    tiers: Annotated[frozenset[str], Field(min_length=1)]
    rule: Annotated[tuple[RuleText, ...], Field(min_length=1)]


@dataclass(frozen=True, slots=True)
class Rule:
    """A rule ready to run."""

    text: RuleText
    condition: Condition


@dataclass(frozen=True, slots=True)
class Selection:
    """Checked rules in their order. `name`: version and the beginning of the digest; `tags`: those looked at, by id."""

    name: str
    tiers: frozenset[str]
    rules: tuple[Rule, ...]
    tags: Mapping[str, Tag]

    def rule_for(self, values: Mapping[str, str]) -> RuleText | None:
        """Return the first rule that holds of a customer with these tags (id to value as the job writes it), if any.

        Raises ValueError for a number that is none.
        """
        facts: dict[str, Fact] = {}
        for tag in self.tags.values():
            value = values.get(tag.id)
            if tag.type is Kind.FLAG:
                facts[tag.id] = value == "true"
            elif value is not None and tag.type is Kind.CHOICE:
                facts.update({fact: code == value for fact, code in _choices(tag)})
            elif value is not None:
                facts[tag.id] = float(value)
        held = (
            rule.text for rule in self.rules if rule.condition.facts <= facts.keys() and rule.condition.holds(facts)
        )
        return next(held, None)


class BadSelection(BadConfiguration):
    """The rules cannot be used; the message has a line of its own for each mistake."""

    code = "bad_selection"


def load_selection(path: Path | None = None) -> Selection:
    """Read `path`, or the packaged rules. Raises `BadSelection` with every mistake and its line."""
    name = str(path or PACKAGED)
    try:
        text = (path or resources.files(__package__) / PACKAGED).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise BadSelection(f"cannot read {name}: {error}") from error
    return parse_selection(text, name, packaged_tags())


def parse_selection(text: str, name: str, tags: Tags) -> Selection:
    """Check rules over `tags`; `name` is the file named in errors. Raises `BadSelection`."""
    lines = Lines(text)
    try:
        file = _File.model_validate(tomllib.loads(text))
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        raise BadSelection(f"{name}: {error}") from error
    except ValidationError as error:
        said = [f"{name}:{lines.of(one['loc'])}: {one['loc']}: {one['msg']}" for one in error.errors()]
        raise BadSelection("\n".join(said)) from error
    facts = dict(_facts(tags))
    types: dict[str, type[Fact]] = {fact: kind for fact, (_, kind) in facts.items()}
    rules: list[Rule] = []
    mistakes = [(lines.of(("tiers",)), said) for said in _tier_mistakes(file, tags)]
    for number, rule in enumerate(file.rule):
        try:
            rules.append(Rule(rule, Condition(rule.when, types)))
        except BadExpression as error:
            mistakes.append((lines.of(("rule", number, "when")), f"{rule.name}: {error}"))
        if rule.name in {other.name for other in file.rule[:number]}:
            mistakes.append((lines.of(("rule", number, "name")), f"{rule.name} is defined twice"))
        mistakes += [
            (lines.of(("rule", number, key)), f"{rule.name}: must not be said: {fragment}")
            for key in ("reason_zh", "reason_en")
            if (fragment := forbidden(getattr(rule, key)))
        ]
    if mistakes:
        raise BadSelection("\n".join(f"{name}:{line}: {said}" for line, said in mistakes))
    digest = hashlib.sha256(json.dumps(_said(file), sort_keys=True, ensure_ascii=False).encode()).hexdigest()
    looked_at = {facts[fact][0].id: facts[fact][0] for rule in rules for fact in rule.condition.facts}
    return Selection(f"{file.version}+{digest[:12]}", file.tiers, tuple(rules), looked_at)


def _said(file: _File) -> dict[str, object]:
    return {"tiers": sorted(file.tiers), "rule": [rule.model_dump() for rule in file.rule]}


def _tier_mistakes(file: _File, tags: Tags) -> Iterator[str]:
    known = {code for code, _, _ in tags.by_id["tier"].choices}
    for tier in sorted(file.tiers):
        if tier not in known:
            yield f"tag tier has no choice {tier}"
        elif tier.startswith("vip_"):
            yield f"{tier} is a VIP tier: who is in it is no candidate"


def _facts(tags: Tags) -> Iterator[tuple[str, tuple[Tag, type[Fact]]]]:
    """Yield each fact that a condition may look at, its tag and its type: of tags under `marketing`, not the inside."""
    for tag in tags.tag:
        if tag.shown != "tablet" or Purpose.MARKETING not in tag.purposes or tag.type is Kind.DATE:
            continue
        if tag.type is Kind.CHOICE:
            yield from ((fact, (tag, bool)) for fact, _ in _choices(tag))
        else:
            yield tag.id, (tag, bool if tag.type is Kind.FLAG else float)


def _choices(tag: Tag) -> Iterator[tuple[str, str]]:
    """Yield the facts that the choices of a tag are, with the choice's code."""
    return ((f"{tag.id}_{code}", code) for code, _, _ in tag.choices)
