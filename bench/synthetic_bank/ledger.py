"""Collects accounts and transactions of a block of customers; makes balances that agree with them to the fen."""

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from bench.synthetic_bank.days import DAY_MS, START_MS, Ints

KINDS: Final = ("salary", "transfer", "card", "cash", "fx", "fee", "interest", "repayment", "utility", "refund")
CHANNELS: Final = ("counter", "atm", "mobile", "pos", "online", "system")
PARTIES: Final = ("", "customer", "outside", "merchant", "employer")
MEMOS: Final = ("", "salary", "rent", "living", "tuition", "loan", "own_account", "gift", "goods", "reimbursement")
CURRENCIES: Final = ("CNY", "USD", "GBP", "HKD", "AUD", "JPY")
ACCOUNT_KINDS: Final = (
    "demand", "time", "wealth", "fund", "bond", "insurance", "metal", "credit_card", "loan", "custody", "fx",
)  # fmt: skip
STRANGERS: Final = 1_000_000_000
"""First number of parties outside that are nobody's own account or relative."""
NEVER: Final = 1_000_000
"""Day number of what did not happen: the account was not closed, does not mature."""

_FIELDS: Final[dict[str, Any]] = {
    "account": -1, "day": 0, "second": 0, "amount": 0, "kind": 0, "channel": 0, "party": -1, "party_kind": 0,
    "mcc": 0, "province": -1, "country": 0, "currency": 0, "memo": 0,
}  # fmt: skip
_SMALL: Final = {
    "kind": np.int8, "channel": np.int8, "party_kind": np.int8, "mcc": np.int16, "province": np.int8,
    "country": np.int8, "currency": np.int8, "memo": np.int8, "account": np.int32, "day": np.int32,
    "second": np.int32,
}  # fmt: skip
_ACCOUNT_FIELDS: Final[dict[str, int]] = {
    "customer": -1, "kind": 0, "product": 0, "currency": 0, "opened": 0, "closed": NEVER, "principal": 0, "term": 0,
    "matures": NEVER, "risk": 0, "repayment": 0, "opening": 0,
}  # fmt: skip


@dataclass(slots=True)
class Booked:
    """Everything booked, ready to be written: columns of transactions, accounts and balances."""

    transactions: dict[str, Ints]
    accounts: dict[str, Ints]
    balances: dict[str, Ints]


class Ledger:
    """Columns of accounts and transactions. `opening` is a wish: it is raised so that no balance is negative."""

    def __init__(self) -> None:
        self._accounts: list[dict[str, Ints]] = []
        self._transactions: list[dict[str, Any]] = []
        self.count = 0

    def open(self, customer: Ints, **columns: Any) -> Ints:
        """Open one account for each of `customer`; returns their numbers. Columns: `_ACCOUNT_FIELDS`."""
        n = len(customer)
        row = {"customer": customer, **columns}
        self._accounts.append(
            {
                name: np.broadcast_to(np.asarray(row.get(name, default), np.int64), n).copy()
                for name, default in _ACCOUNT_FIELDS.items()
            }
        )
        self.count += n
        return np.arange(self.count - n, self.count)

    def book(self, account: Ints, **columns: Any) -> None:
        """Book one transaction for each of `account`; scalars are broadcast. Columns: `_FIELDS`."""
        unknown = columns.keys() - _FIELDS.keys()
        if unknown:
            raise TypeError(f"no such column of a transaction: {unknown}")
        n = len(account)
        if n:
            row = {"account": account, **columns}
            self._transactions.append(
                {
                    name: np.broadcast_to(np.asarray(row.get(name, default), _SMALL.get(name, np.int64)), n)
                    for name, default in _FIELDS.items()
                }
            )

    def account_columns(self) -> dict[str, Ints]:
        """Return the accounts so far."""
        return {name: np.concatenate([part[name] for part in self._accounts]) for name in _ACCOUNT_FIELDS}

    def booked_columns(self, *names: str) -> tuple[Ints, ...]:
        """Return columns of the transactions so far."""
        return tuple(np.concatenate([part[name] for part in self._transactions]) for name in names)

    def close(self, first_day: int, last_day: int) -> Booked:
        """Sort, drop what lies outside the span, fix opening balances, compute daily balances."""
        accounts = self.account_columns()
        columns = {name: np.concatenate([part[name] for part in self._transactions]) for name in _FIELDS}
        self._transactions.clear()
        day, account = columns["day"], columns["account"]
        # A new demand account has only its opening deposit on its first day.
        opened = accounts["opened"] + (accounts["kind"] == ACCOUNT_KINDS.index("demand"))
        keep = (day >= np.maximum(first_day, opened[account])) & (day <= last_day)
        keep &= (columns["amount"] != 0) & (day <= accounts["closed"][account])
        columns = {name: values[keep] for name, values in columns.items()}
        # Money comes in before it goes out within one second, so that the order of equal instants is settled too.
        order = np.lexsort((-columns["amount"], columns["second"], columns["day"], columns["account"]))
        columns = {name: values[order] for name, values in columns.items()}
        return Booked(columns, accounts, _balances(accounts, columns, first_day))


def _balances(accounts: dict[str, Ints], booked: dict[str, Ints], first_day: int) -> dict[str, Ints]:
    """Return daily balances and raise `opening` where the transactions would lead below zero."""
    account, day = booked["account"].astype(np.int64), booked["day"].astype(np.int64)
    owed = np.isin(accounts["kind"], [ACCOUNT_KINDS.index("credit_card"), ACCOUNT_KINDS.index("loan")])
    change = np.where(owed[account], -booked["amount"], booked["amount"])
    total = np.cumsum(change)
    starts = np.flatnonzero(np.r_[True, account[1:] != account[:-1]]) if len(account) else np.zeros(0, np.int64)
    before = np.repeat(total[starts] - change[starts], np.diff(np.r_[starts, len(account)]))
    running = total - before
    if len(starts):
        least = np.minimum.reduceat(running, starts)
        owner = account[starts]
        accounts["opening"][owner] = np.maximum(accounts["opening"][owner], -least)
    ends = np.flatnonzero(np.r_[(account[1:] != account[:-1]) | (day[1:] != day[:-1]), True][: len(account)])
    opening_day = np.maximum(accounts["opened"], first_day) - 1
    opening_day += (accounts["kind"] == ACCOUNT_KINDS.index("demand")) & (accounts["opened"] >= first_day)
    which = np.r_[np.arange(len(opening_day)), account[ends]]
    days = np.r_[opening_day, day[ends]]
    amounts = np.r_[accounts["opening"], running[ends] + accounts["opening"][account[ends]]]
    order = np.lexsort((days, which))
    return {"account": which[order], "day": days[order], "balance": amounts[order]}


def instants(day: Ints, second: Ints) -> Ints:
    """Return UTC ms of a second (China's clock) of a day."""
    return START_MS + day.astype(np.int64) * DAY_MS + second.astype(np.int64) * 1000


def firms(rng: np.random.Generator, mcc: int, n: int) -> Ints:
    """Draw merchants of one trade; shops have the numbers below a hundred thousand."""
    return mcc * 100 + rng.integers(0, 60, n)


def round_to(amount: NDArray[np.floating[Any]], step: int) -> Ints:
    """Return amounts in fen, rounded to `step` fen, at least one step."""
    return np.maximum(np.rint(amount / step), 1).astype(np.int64) * step
