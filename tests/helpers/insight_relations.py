"""Stories of relations and journeys: true ones and look-alikes, for `insight_cases`."""

from collections.abc import Callable

from bank_tables import Tables


def couple(
    tables: Tables,
    name: str,
    *,
    ages: tuple[int, int] = (35, 34),
    memo: str | None = None,
    talks: int = 40,
    **other: object,
) -> None:
    """Add a fixed sum two days after every payday, and frequent calls."""
    tables.customer(name, age=ages[0])
    tables.customer(name + "+", age=ages[1], **other)  # type: ignore[arg-type]
    tables.salaries(name)
    for month in range(12):
        tables.pay(name, name + "+", 13 + 30 * month, 400_000, memo_code=memo if month == 3 else None)
    tables.talk(name, name + "+", talks)


def travelling_couple(tables: Tables, name: str) -> None:
    couple(tables, name, talks=0)
    for first in (40, 120, 200):
        for who in (name, name + "+"):
            tables.trip(who, first, "HN")
            tables.trip(who, first + 1, "HN", "card")


def nanny(tables: Tables, name: str) -> None:
    couple(tables, name, memo="salary", talks=60)


def parent(tables: Tables, name: str) -> None:
    couple(tables, name, ages=(35, 63))


def landlord(tables: Tables, name: str) -> None:
    couple(tables, name)
    tables.customer(name + "2")
    tables.salaries(name + "2")
    for month in range(12):
        tables.pay(name + "2", name + "+", 13 + 30 * month, 300_000)


def debtor(tables: Tables, name: str) -> None:
    couple(tables, name)
    tables.pay(name + "+", name, 355, 4_800_000)


def not_after_payday(tables: Tables, name: str) -> None:
    tables.customer(name)
    tables.customer(name + "+")
    tables.salaries(name)
    for month in range(12):
        tables.pay(name, name + "+", 4 + 30 * month, 400_000)
    tables.talk(name, name + "+", 40)


def student_abroad(tables: Tables, name: str, *, country: str = "US", exchanges: int = 8, talks: int = 0) -> None:
    tables.customer(name, age=48)
    tables.customer(name + "+", age=20)
    for month in range(10):
        tables.pay(name, name + "+", 5 + 30 * month, 1_000_000)
    for number in range(exchanges):
        tables.transaction(name, 8 + 30 * number, -900_000, kind="fx", currency="USD")
    for number in range(30):
        province = "--" if country != "CN" else "HN"
        tables.trip(name + "+", 10 + 4 * number, province, "card", country)
    tables.talk(name, name + "+", talks)


def student_at_home(tables: Tables, name: str) -> None:
    student_abroad(tables, name, country="CN", talks=40)


def no_exchange(tables: Tables, name: str) -> None:
    student_abroad(tables, name, exchanges=0)


def emigrant_relative(tables: Tables, name: str) -> None:
    tables.customer(name, age=60)
    for number in range(10):
        tables.transaction(name, 8 + 30 * number, -900_000, kind="fx", currency="USD")
        tables.transaction(
            name,
            9 + 30 * number,
            -900_000,
            counterparty_id="X1",
            counterparty_kind="outside",
            country="US",
            currency="USD",
        )


def grown_relative(tables: Tables, name: str) -> None:
    student_abroad(tables, name)
    tables.salaries(name + "+")


def weekly(tables: Tables, name: str, *, weeks: range, province: Callable[[int], str], days: int = 2) -> None:
    tables.customer(name)
    for week in weeks:
        for number in range(days):
            tables.trip(name, 7 * week + number, province(week))
            tables.transaction(name, 7 * week + number, -5_000, kind="card", channel="pos", province=province(week))


def commuter(tables: Tables, name: str) -> None:
    weekly(tables, name, weeks=range(24), province=lambda week: "HN")


def business_trips(tables: Tables, name: str) -> None:
    weekly(tables, name, weeks=range(24), province=lambda week: ("HN", "FJ", "ZJ")[week % 3])


def long_project(tables: Tables, name: str) -> None:
    weekly(tables, name, weeks=range(16, 25), province=lambda week: "HN")


def migrant_worker(tables: Tables, name: str) -> None:
    weekly(tables, name, weeks=range(17, 20), province=lambda week: "HN", days=5)


def lives_there(tables: Tables, name: str) -> None:
    weekly(tables, name, weeks=range(24), province=lambda week: "HN", days=6)


def shared_card(tables: Tables, name: str) -> None:
    weekly(tables, name, weeks=range(24), province=lambda week: "HN")
    for week in range(24):
        tables.trip(name, 7 * week + 3, "HN", "card")
        tables.trip(name, 7 * week + 3, "GD", "app")


def online_orders(tables: Tables, name: str) -> None:
    tables.customer(name)
    for week in range(26):
        tables.transaction(
            name, 7 * week, -5_000, kind="card", channel="online", province="ZJ", merchant_category="5964"
        )
