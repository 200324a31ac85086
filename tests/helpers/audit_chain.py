"""A chain in a database, and what somebody who owns that database can do to it."""

import shutil
import sqlite3
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from sqlalchemy import Connection, text

from yingbin.storage import migrate
from yingbin.storage.city import AUDIT, BranchSequence
from yingbin.storage.database import Database
from yingbin.trust.audit.check import Fault
from yingbin.trust.audit.ledger import Ledger, note
from yingbin.trust.audit.record import Entry, Pseudonyms, SignedHead, sign
from yingbin.trust.devices import DeviceKey

PSEUDONYM_KEY = bytes(range(32))


def entry(number: int) -> Entry:
    return Entry(f"staff:rm-{number % 3}", "rm", "card_shown", "customer", f"c-{number}", {"card": f"card-{number}"})


class Chain:
    """A city's database with a trail of `records` in it."""

    def __init__(self, url: str, records: int = 0) -> None:
        self.database = Database(url)
        migrate.upgrade(self.database, migrate.Tree.CITY)
        self.key = DeviceKey.generate()
        self.ledger = Ledger("hangzhou", self.key, Pseudonyms(PSEUDONYM_KEY), AUDIT)
        self.database.recorder = self.ledger
        self.add(records)

    def add(self, count: int) -> None:
        with self.database.write() as session:
            start = self.ledger.head(session).seq
            self.ledger.append(session, [entry(start + n) for n in range(1, count + 1)])

    def write_at_once(self, count: int) -> None:
        """Change something and note it, `count` times, from four threads."""

        def write(number: int) -> None:
            with self.database.write() as session:
                session.add(BranchSequence(branch_id=f"b{number}", seq=number))
                note(session, entry(number))

        with ThreadPoolExecutor(4) as pool:
            list(pool.map(write, range(count)))

    def cut(self, before_ms: int, at_once: int = 500) -> list[int]:
        """Cut the chain as the retention job does; return how many records went with each step."""
        with self.database.write() as session:
            self.ledger.cut(session, before_ms)
        steps = []
        while True:
            with self.database.write() as session:
                steps.append(self.ledger.sweep(session, at_once))
            if not steps[-1]:
                return steps[:-1]

    def head(self) -> SignedHead:
        with self.database.read() as session:
            return sign(self.ledger.head(session), self.key)

    def fault(self, *anchors: SignedHead) -> Fault | None:
        with self.database.read() as session:
            checker = self.ledger.checker(session, anchors)
            checker.follow(self.ledger.records(session, checker.last.seq))
            return checker.finish(self.ledger.head(session))

    def tamper(self, *statements: str) -> None:
        """Do as the owner of the database can: without the triggers."""
        with self.database.engine.begin() as connection:
            drop_guards(connection)
            for statement in statements:
                connection.execute(text(statement))


Restored = tuple[Chain, list[SignedHead]]


def restored_chain(folder: Path) -> Restored:
    """Return a chain that went on from a backup of 6 records, and the heads that the other tier had of it before."""
    chain = Chain(f"sqlite:///{folder / 'city.db'}", 4)
    heads = [chain.head()]
    chain.add(2)
    heads.append(chain.head())
    chain.database.close()
    shutil.copy(folder / "city.db", folder / "backup.db")
    for _ in range(2):
        chain.add(3)
        heads.append(chain.head())
    chain.database.close()
    for left in folder.glob("city.db*"):
        left.unlink()
    shutil.copy(folder / "backup.db", folder / "city.db")
    with chain.database.write() as session:
        chain.ledger.append(session, [entry(100 + number) for number in range(2)])
    return chain, heads


def drop_guards(connection: Connection) -> None:
    if connection.dialect.name == "postgresql":
        for table in ("audit_records", "audit_anchors", "audit_checkpoints"):
            connection.execute(text(f"ALTER TABLE {table} DISABLE TRIGGER ALL"))
        return
    for table in ("audit_records", "audit_anchors", "audit_checkpoints"):
        for what in ("update", "delete"):
            connection.execute(text(f"DROP TRIGGER IF EXISTS {table}_{what}"))


def everything_in(path: Path) -> str:
    """All text of a SQLite file, as its owner can dump it."""
    with sqlite3.connect(path) as connection:
        return "\n".join(connection.iterdump())
