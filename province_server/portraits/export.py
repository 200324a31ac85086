"""What is held of somebody's portrait, in words, for himself (PIPL art. 45): all of it, whoever may see it."""

from datetime import date

from pydantic import BaseModel

from province_server.portraits.store import Kept
from yingbin.offers.portrait.definitions import Tags
from yingbin.offers.portrait.tablet import Names


class TagHeld(BaseModel):
    """A tag with its value in words."""

    name_zh: str
    name_en: str
    value_zh: str
    value_en: str
    as_of: date


class HoldingHeld(BaseModel):
    """What he holds or owes of a product."""

    product: str
    balance_fen: int
    as_of: date


class EventHeld(BaseModel):
    """An event of the timeline."""

    day: date
    event_zh: str
    event_en: str
    product: str


class PortraitHeld(BaseModel):
    """A portrait, and the days of the visits at which it was shown last."""

    tags: list[TagHeld]
    holdings: list[HoldingHeld]
    timeline: list[EventHeld]
    shown_on: list[date]


def held(kept: Kept, tags: Tags, names: Names) -> PortraitHeld:
    """Return all that is kept of a customer. `names`: product -> its names."""

    def called(code: str) -> str:
        return names.get(code, (code, code))[0]

    known, events = tags.by_id, {event.id: event for event in tags.event}
    found = []
    for row in kept.portrait.tags:
        zh, en = known[row.tag].words(row.value)
        tag = known[row.tag]
        found.append(TagHeld(name_zh=tag.name_zh, name_en=tag.name_en, value_zh=zh, value_en=en, as_of=row.as_of))
    return PortraitHeld(
        tags=found,
        holdings=[
            HoldingHeld(product=called(row.product), balance_fen=row.balance_fen, as_of=row.as_of)
            for row in kept.portrait.holdings
        ],
        timeline=[
            EventHeld(
                day=row.day,
                event_zh=events[row.event].name_zh,
                event_en=events[row.event].name_en,
                product=called(row.detail),
            )
            for row in kept.portrait.timeline
        ],
        shown_on=[one.day for one in kept.showings],
    )


def lines(portrait: PortraitHeld, language: str) -> list[str]:
    """Return it as lines of the printed export."""
    chinese = language == "zh"
    return [
        *(
            f"- {tag.name_zh}: {tag.value_zh} ({tag.as_of})"
            if chinese
            else f"- {tag.name_en}: {tag.value_en} ({tag.as_of})"
            for tag in portrait.tags
        ),
        *(f"- {one.product}: ¥{one.balance_fen / 100:,.2f} ({one.as_of})" for one in portrait.holdings),
        *(f"- {one.day}: {one.event_zh if chinese else one.event_en} {one.product}" for one in portrait.timeline),
        *(f"- {'出示于' if chinese else 'shown at the visit of'} {day}" for day in portrait.shown_on),
    ]
