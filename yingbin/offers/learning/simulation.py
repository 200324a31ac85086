"""What a changed catalogue would have offered at past visits: computed from decision records before it is released."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Any

from yingbin.errors import InvalidInput
from yingbin.offers.catalogue import Catalogue
from yingbin.offers.customer import CustomerRecord
from yingbin.offers.decision.record import DecisionRecord, MadeFrom, record_whole


class NothingToSimulate(InvalidInput):
    """No record holds what the province decided from, so no visit can be decided anew."""

    code = "nothing_to_simulate"


@dataclass(frozen=True, slots=True)
class Change:
    """Offers of one product, branch or tier: `lost` visits had it and would not, `gained` would have it and had not."""

    name: str
    before: int
    after: int
    gained: int
    lost: int


@dataclass(frozen=True, slots=True)
class Simulation:
    """`visits` decided anew, `changed` of them otherwise; `skipped`: records without the province's half.

    `by_branch` and `by_segment` (tier) count offers, and how many each gained and lost.
    """

    catalogue: str
    visits: int
    skipped: int
    changed: int
    reordered: int
    without_offer_before: int
    without_offer_after: int
    by_product: tuple[Change, ...]
    by_branch: tuple[Change, ...]
    by_segment: tuple[Change, ...]

    @property
    def as_object(self) -> dict[str, Any]:
        """As JSON takes it."""
        return asdict(self)


class _Counts:
    """Offers before and after, by name."""

    def __init__(self) -> None:
        self._before: Counter[str] = Counter()
        self._after: Counter[str] = Counter()
        self._gained: Counter[str] = Counter()
        self._lost: Counter[str] = Counter()

    def note(self, name: str, before: int, after: int, gained: int, lost: int) -> None:
        self._before[name] += before
        self._after[name] += after
        self._gained[name] += gained
        self._lost[name] += lost

    def changes(self) -> tuple[Change, ...]:
        names = sorted(self._before.keys() | self._after.keys())
        return tuple(
            Change(name, self._before[name], self._after[name], self._gained[name], self._lost[name]) for name in names
        )


def simulate(old: Catalogue | None, new: Catalogue, records: Iterable[DecisionRecord]) -> Simulation:
    """Decide every whole record with `old` and with `new` and say what differs; nothing else of its inputs changes.

    The release step of a catalogue calls this (`province_server.past_visits` has the records). Without `old`, what was
    offered at the time counts as before. Records are read once, one at a time. Raises `NothingToSimulate`.
    """
    product, branch, segment = _Counts(), _Counts(), _Counts()
    visits = skipped = changed = reordered = none_before = none_after = 0
    for record in records:
        if record.inputs.made_from is None:
            skipped += 1
            continue
        was = anew(record, record.inputs.made_from, old) if old else record
        now = anew(record, record.inputs.made_from, new)
        before_it, after_it = (tuple(offer.product for offer in one.output.offers) for one in (was, now))
        before, after = set(before_it), set(after_it)
        for code in before | after:
            product.note(code, code in before, code in after, code in after - before, code in before - after)
        where = record.inputs.context.branch_id or record.inputs.view.home_branch_id
        sums = (len(before), len(after), len(after - before), len(before - after))
        branch.note(where, *sums)
        segment.note(record.inputs.view.tier, *sums)
        visits += 1
        changed += before != after
        reordered += before == after and before_it != after_it
        none_before += not before
        none_after += not after
    if not visits:
        raise NothingToSimulate(
            f"none of the {skipped} records says what the province decided from (`made_from`): give whole records"
        )
    return Simulation(
        new.name, visits, skipped, changed, reordered, none_before, none_after,
        product.changes(), branch.changes(), segment.changes(),
    )  # fmt: skip


def anew(record: DecisionRecord, made: MadeFrom, catalogue: Catalogue) -> DecisionRecord:
    """Decide a visit again from all it was `made` from, soft facts too, with another catalogue."""
    return record_whole(
        CustomerRecord.model_validate(made.customer), made.gallery, made.purposes, catalogue, record.inputs.context,
        record.inputs.at_ms, made.history, made.learned, made.basis, made.soft,
    )  # fmt: skip
