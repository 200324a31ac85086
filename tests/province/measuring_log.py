"""A log whose truth is known: visits, acceptances and refusals, sent as a city reports them."""

from collections.abc import Iterable
from itertools import count

import msgspec
from province_harness import World, record

from province_server.cards import Customer
from yingbin.feed_wire import Basis
from yingbin.report_wire import OutcomeReport
from yingbin.storage.province import CustomerRow

DAY_MS = 86_400_000
_number = count()

PERSONAL = Basis("arbitrate", programme="p")
HELD_OUT = Basis("general", holdout=True, programme="p")


def outcome(
    world: World, who: str, card: str, kind: str, at_ms: int, product: str = "", basis: Basis = PERSONAL, **more: object
) -> OutcomeReport:
    told = OutcomeReport(f"o-{next(_number)}", card, who, world.branch_a, "rm-1", kind, product, at_ms, basis=basis)
    return msgspec.structs.replace(told, **more)


def visit(
    world: World, who: str, at_ms: int, products: Iterable[str] = (), basis: Basis = PERSONAL, taken: str = ""
) -> list[OutcomeReport]:
    """Return what a city reports of a customer who is greeted, shown products, and perhaps takes one up."""
    card = f"{who}/{at_ms}"
    said = [outcome(world, who, card, "greeted", at_ms, basis=basis)]
    said += [
        outcome(world, who, card, "shown", at_ms, product, basis, place=place)
        for place, product in enumerate(products, 1)
    ]
    return [*said, outcome(world, who, card, "accepted", at_ms + 1, taken, basis)] if taken else said


def send(world: World, reports: list[OutcomeReport]) -> None:
    for first in range(0, len(reports), 1000):
        some = reports[first : first + 1000]
        assert world.a.ask("POST", "outcomes", content=msgspec.msgpack.encode(some)).status_code == 204


def people(world: World, number: int, prefix: str = "c", **changes: object) -> list[str]:
    """Register customers who are not enrolled, without asking the API a hundred times."""
    ids = [f"{prefix}-{one}" for one in range(number)]
    with world.province.stores.identity.write() as session:
        for at, customer_id in enumerate(ids):
            said = {"gender": "male" if at % 2 else "female", **changes}
            made = Customer.model_validate(record(customer_id, world.branch_a, **said))
            sealed = world.province.keys.seal_record(customer_id, made.model_dump_json().encode())
            session.add(
                CustomerRow(
                    customer_id=customer_id, home_branch_id=world.branch_a, record_sealed=sealed, created_at_ms=0
                )
            )
    return ids
