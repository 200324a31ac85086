"""What the routes of the catalogue take and answer."""

from typing import Annotated, Any, Final, Literal

from pydantic import BaseModel, Field, JsonValue, StringConstraints

from province_server.records import AN_ID, Body, Id, InstantMs, Label
from yingbin.offers.catalogue_diff import NoticeKind
from yingbin.offers.faults import FaultKind

MAX_TEXT: Final = 500_000
"""Characters; the packaged catalogue has 30,000."""
Text = Annotated[str, StringConstraints(max_length=MAX_TEXT, pattern=r"^[^\x00]*$")]
EntryName = Annotated[str, StringConstraints(min_length=1, max_length=64, pattern=r"^[^\x00-\x1f/]+$")]
Entry = Annotated[dict[str, JsonValue], Field(max_length=40, examples=[{"code": "sms", "name_zh": "短信通知"}])]


class NewDraft(Body):
    """Which version a draft starts from; what is in force when none is named."""

    based_on: Id | None = Field(default=None, examples=[AN_ID])


class DraftText(Body):
    """The whole text of a draft. `revision`: of the draft as the caller read it, so that nobody's change is lost."""

    revision: int = Field(ge=1, lt=2**53, examples=[3])
    text: Text = Field(examples=['version = "2026.2"\nvalid_from = 2026-07-01\n'])


class EntryChange(Body):
    """One entry as it shall be; a field left out is taken out."""

    revision: int = Field(ge=1, lt=2**53, examples=[3])
    entry: Entry


class EntryTry(Body):
    """One entry to look at."""

    entry: Entry


class NewRelease(Body):
    """Why, and from when (UTC ms); at once when absent."""

    reason: Label = Field(examples=["summer deposits"])
    from_ms: InstantMs | None = Field(default=None, examples=[None])


class FaultOut(BaseModel):
    """A mistake: its line, entry and field. `position`: the character of a condition at which it stops making sense."""

    line: int = Field(examples=[212])
    who: str = Field(examples=["product 'sms': talking_point_zh"])
    message: str = Field(examples=["must not be shown on a tablet: occupation: '教师'"])
    kind: FaultKind
    table: str = Field(examples=["product"])
    name: str = Field(examples=["sms"])
    field: str = Field(examples=["talking_point_zh"])
    position: int | None = Field(examples=[None])


class NoticeOut(BaseModel):
    """Something allowed that a person should look at."""

    kind: NoticeKind
    product: str = Field(examples=["sms"])
    before: str = Field(examples=["3000"])
    after: str = Field(examples=["4000"])


class ChangeOut(BaseModel):
    """One thing added, removed or changed; without a `field` it is the entry as a whole."""

    op: Literal["added", "removed", "changed"]
    table: str = Field(examples=["product"])
    name: str = Field(examples=["sms"])
    field: str = Field(examples=["margin_fen"])
    before: Any = Field(examples=[3000])
    after: Any = Field(examples=[4000])


class CatalogueOut(BaseModel):
    """A version. `label` and `digest` are known once it was checked.

    `in_force`: its card views are the ones made now; `needs_you`: it waits for a release, and the caller may do it.
    """

    catalogue_id: str = Field(examples=[AN_ID])
    number: int = Field(examples=[7])
    state: Literal["draft", "checked", "released", "discarded"]
    label: str = Field(examples=["2026.2"])
    digest: str = Field(examples=["5f0c"])
    revision: int = Field(examples=[3])
    based_on: int | None = Field(examples=[6])
    authors: list[str] = Field(examples=[["pm-1"]])
    changed_by: str = Field(examples=["pm-1"])
    changed_at_ms: int = Field(examples=[1_795_000_000_000])
    in_force: bool = Field(examples=[False])
    needs_you: bool = Field(examples=[True])


class CatalogueDetail(CatalogueOut):
    """A version with its text, what the text says (null when it is no TOML) and everything wrong with it."""

    text: str = Field(examples=['version = "2026.2"\n'])
    content: dict[str, Any] | None = Field(examples=[{"version": "2026.2"}])
    faults: list[FaultOut]


class CataloguePage(BaseModel):
    """Versions by age."""

    items: list[CatalogueOut]
    next: str | None = Field(examples=[None])


class Checked(BaseModel):
    """What is wrong (nothing: it may be released) and what to look at."""

    faults: list[FaultOut]
    notices: list[NoticeOut]


class Diff(BaseModel):
    """What differs from version `against`, in the order of the file."""

    against: int = Field(examples=[6])
    changes: list[ChangeOut]


class ReleaseOut(BaseModel):
    """A release. Its card views go out again: `done` of `total`, complete at `republished_at_ms`."""

    release_id: str = Field(examples=[AN_ID])
    number: int = Field(examples=[4])
    catalogue_id: str = Field(examples=[AN_ID])
    catalogue_number: int = Field(examples=[7])
    state: Literal["scheduled", "in_force", "ended", "cancelled"]
    from_ms: int = Field(examples=[1_795_000_000_000])
    reason: str = Field(examples=["summer deposits"])
    released_by: str = Field(examples=["pm-2"])
    released_at_ms: int = Field(examples=[1_795_000_000_000])
    in_force_at_ms: int | None = Field(examples=[1_795_000_000_000])
    ended_at_ms: int | None = Field(examples=[None])
    done: int = Field(examples=[120_000])
    total: int = Field(examples=[200_000])
    republished_at_ms: int | None = Field(examples=[None])


class ReleasePage(BaseModel):
    """Releases by age."""

    items: list[ReleaseOut]
    next: str | None = Field(examples=[None])


class Vocabulary(BaseModel):
    """What a catalogue may say: facts of conditions (bool, int, float), placeholders of reasons, and fixed words."""

    facts: dict[str, str] = Field(examples=[{"demand_share": "float"}])
    placeholders: list[str] = Field(examples=[["maturing_days"]])
    categories: list[str] = Field(examples=[["deposit"]])
    regimes: list[str] = Field(examples=[["none"]])
    holdings: list[str] = Field(examples=[["sms"]])
    signals: list[str] = Field(examples=[["at_entrance"]])
