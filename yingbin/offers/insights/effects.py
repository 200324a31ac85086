"""What a soft fact does to offers (C14, C15): it raises products, or lets credit rest; a caution does neither.

The one place that says how strong: a lever of the visit, bounded with all others (`decision.context.factor`). The city
looks at its last instant, so that a fact which expires between two feeds has no effect from then on.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from typing import Final

import msgspec

from yingbin.feed_wire import Lever
from yingbin.offers.catalogue import in_force_ms
from yingbin.offers.decision.context import INSIGHT
from yingbin.offers.insights.declaration import EvidenceFamily, Insight
from yingbin.offers.insights.life_cycle import Fact, State, ranks, sentence, standing

STRENGTH: Final[Mapping[State, float]] = {State.CORROBORATED: 1.25, State.CONFIRMED: 1.5}
"""The lever of a product that a fact raises. Of several facts the strongest counts, never their product."""
PROPENSITY: Final = 0.2
"""Of a product that a fact speaks for and no rule: as the weaker rules of the catalogue; the lever comes on top."""

FAMILY_WORDS: Final[Mapping[EvidenceFamily, tuple[str, str]]] = {
    "account": ("账户与持有", "accounts and holdings"),
    "transaction": ("交易流水", "transactions"),
    "application": ("申请表填写", "forms filled in"),
    "browsing": ("产品页浏览", "product pages read"),
    "card_presence": ("用卡与出行", "card use and journeys"),
    "contact": ("往来联系", "contacts"),
    "self_declared": ("客户自述", "the customer's own statements"),
}
"""How a family of evidence is called in zh and en, wherever it is shown."""


class SoftFact(msgspec.Struct, frozen=True, omit_defaults=True):
    """A fact as far as offers are concerned; `expires_on` is the last day on which it holds.

    It is resolved from the declaration, so that a decision made with it can be computed again under another library,
    and says nothing of evidence or of another customer.
    """

    insight: str
    state: State
    expires_on: date
    raises: tuple[str, ...] = ()
    avoids: tuple[str, ...] = ()
    reason_zh: str = ""
    reason_en: str = ""

    @property
    def until_ms(self) -> int:
        """The first UTC millisecond at which it holds no more."""
        return in_force_ms(None, self.expires_on)[1]


def soft_fact(
    insight: Insight, fact: Fact, families: Iterable[EvidenceFamily], subject: str, dated: date, today: date
) -> SoftFact | None:
    """Return what a fact does on `today`, None when that is nothing. `dated`: of its evidence or its confirmation."""
    if not ranks(fact, today) or not (insight.raises or insight.avoids):
        return None
    state = standing(fact, today)
    zh, en = sentence(insight, fact, today)
    words = [FAMILY_WORDS[family] for family in sorted(set(families))]
    source_zh, source_en = "、".join(word for word, _ in words), ", ".join(word for _, word in words)
    if state is State.CONFIRMED:
        source_zh, source_en = "客户本人确认", "confirmed by the customer"
    return SoftFact(
        insight.name, state, fact.expires_on,
        raises=tuple(subject if code == "$subject" else code for code in insight.raises),
        avoids=insight.avoids,
        reason_zh=f"{zh}(来源:{source_zh},{dated.isoformat()})",
        reason_en=f"{en} (source: {source_en}, {dated.isoformat()})",
    )  # fmt: skip


def raised(facts: Sequence[SoftFact], today: date) -> dict[str, SoftFact]:
    """Return product -> the strongest fact that raises it on `today`, the longer one of two equals."""
    found: dict[str, SoftFact] = {}
    for fact in sorted(_holding(facts, today), key=lambda one: (STRENGTH[one.state], one.expires_on, one.insight)):
        found.update(dict.fromkeys(fact.raises, fact))
    return found


def resting(facts: Sequence[SoftFact], today: date) -> dict[str, int]:
    """Return product -> the first UTC millisecond at which no fact keeps it from being raised."""
    found: dict[str, int] = {}
    for fact in _holding(facts, today):
        for code in fact.avoids:
            found[code] = max(found.get(code, 0), fact.until_ms)
    return found


def lever(fact: SoftFact, *, explains: bool) -> Lever:
    """Return the lever of a product that `fact` raises; `explains`: the rule's reason needs the fact's beside it."""
    reasons = (fact.reason_zh, fact.reason_en) if explains else ("", "")
    return Lever(INSIGHT, STRENGTH[fact.state], (), 0, fact.until_ms, *reasons)


def _holding(facts: Sequence[SoftFact], today: date) -> list[SoftFact]:
    return [fact for fact in facts if fact.state in STRENGTH and today <= fact.expires_on]
