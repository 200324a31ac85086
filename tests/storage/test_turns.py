"""Who writes to SQLite gets his turn in the order of asking."""

import threading
import time
from pathlib import Path

import pytest
from sqlalchemy import text

from yingbin.errors import Unavailable
from yingbin.storage.database import Database
from yingbin.storage.turns import Turns


def queued(turns: Turns, count: int) -> None:
    deadline = time.monotonic() + 20
    while len(turns._waiting) < count:  # nothing else tells that a thread waits
        assert time.monotonic() < deadline
        time.sleep(0.001)


def test_turns_come_in_the_order_of_asking_even_before_who_asks_again() -> None:
    turns, order = Turns(), list[str]()

    def take(name: str) -> None:
        with turns.turn(20):
            order.append(name)

    threads = [threading.Thread(target=take, args=(str(number),)) for number in range(4)]
    with turns.turn(20):
        for number, thread in enumerate(threads, 1):
            thread.start()
            queued(turns, number)
    take("again")
    for thread in threads:
        thread.join()
    assert order == ["0", "1", "2", "3", "again"]


def test_who_waits_too_long_is_told_and_leaves_the_queue_to_the_others() -> None:
    turns, done = Turns(), threading.Event()

    def take() -> None:
        with turns.turn(20):
            done.set()

    with turns.turn(20):
        with pytest.raises(Unavailable, match="writing"), turns.turn(0.01):
            pass
        waiting = threading.Thread(target=take)
        waiting.start()
        queued(turns, 1)
    assert done.wait(20)
    waiting.join()


def test_a_write_that_fails_keeps_nobody_waiting(tmp_path: Path) -> None:
    database = Database(f"sqlite:///{tmp_path / 'new.db'}")
    with database.write() as session:
        session.execute(text("CREATE TABLE numbers (n INTEGER)"))

    def fail() -> None:
        with database.write() as session:
            session.execute(text("INSERT INTO numbers VALUES (1)"))
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail()
    with database.write() as session:
        assert session.execute(text("SELECT count(*) FROM numbers")).scalar() == 0
    database.close()
