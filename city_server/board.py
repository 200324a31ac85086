"""The cards of each branch in memory, in order of `seq`: what tablets replay from and follow. The database is truth."""

import asyncio
import base64
from collections.abc import Collection, Iterator
from dataclasses import dataclass

import msgspec
from sqlalchemy import select
from sqlalchemy.orm import Session

from city_server.records import Records
from city_server.routing import Route
from city_server.store import Store
from yingbin.errors import YingbinError
from yingbin.log import get_logger
from yingbin.pad_wire import Card
from yingbin.storage.city import BranchSequence, CardRow, PhotoRow

log = get_logger()
_RETRY_S = 0.5


@dataclass(frozen=True, slots=True)
class Posted:
    """A card with its photo, and what decides who gets it and for whom it rings."""

    seq: int
    card: Card
    route: Route
    rings: bool


class Board:
    """One branch. Readers come with the last `seq` they have and wait for `changed`; nobody waits for a slow one."""

    def __init__(self, branch_id: str, store: Store, records: Records) -> None:
        self._branch_id = branch_id
        self._store = store
        self._records = records
        self._cards: dict[str, Posted] = {}
        self._reading = asyncio.Lock()
        self._followers: set[asyncio.Event] = set()
        self.head_seq = 0

    def follow(self, wake: asyncio.Event) -> None:
        """Set `wake` after every change."""
        self._followers.add(wake)

    def unfollow(self, wake: asyncio.Event) -> None:
        """Stop that."""
        self._followers.discard(wake)

    def since(self, seq: int) -> list[Posted]:
        """Return the cards that changed after `seq`, in order."""
        return list(reversed(list(self._newer(seq))))

    def get(self, card_id: str) -> Posted | None:
        """Return a card of this branch."""
        return self._cards.get(card_id)

    async def refresh(self) -> None:
        """Read what changed in the database since the last time."""
        async with self._reading:
            head, changed = await self._store.read(self._read)
            for posted in changed:  # re-inserted at the end, so that the order stays that of `seq`
                self._cards.pop(posted.card.card_id, None)
                self._cards[posted.card.card_id] = posted
            self.head_seq = head
        for wake in self._followers:
            wake.set()

    def forget(self, card_ids: Collection[str]) -> None:
        """Drop cards that are no longer kept."""
        for card_id in card_ids:
            self._cards.pop(card_id, None)

    def _newer(self, seq: int) -> Iterator[Posted]:
        for posted in reversed(self._cards.values()):
            if posted.seq <= seq:
                return
            yield posted

    def _read(self, session: Session) -> tuple[int, list[Posted]]:
        sequence = session.get(BranchSequence, self._branch_id)
        rows = session.execute(
            select(CardRow, PhotoRow)
            .outerjoin(PhotoRow, PhotoRow.visit_id == CardRow.visit_id)
            .where(CardRow.branch_id == self._branch_id, CardRow.seq > self.head_seq)
            .order_by(CardRow.seq)
        )
        return sequence.seq if sequence else 0, [self._posted(card, photo) for card, photo in rows]

    def _posted(self, row: CardRow, photo: PhotoRow | None) -> Posted:
        state = self._records.state(row)
        jpeg = base64.b64encode(self._records.photo(photo)).decode() if photo else ""
        return Posted(state.seq, msgspec.structs.replace(state.stored.card, photo=jpeg), state.route, state.rings)


class Boards:
    """The boards of the branches somebody has looked at since the start."""

    def __init__(self, records: Records) -> None:
        self._records = records
        self._boards: dict[str, Board] = {}
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._again: set[str] = set()

    async def of(self, branch_id: str, store: Store) -> Board:
        """Return the board of a branch, up to date."""
        board = self._boards.setdefault(branch_id, Board(branch_id, store, self._records))
        await board.refresh()
        return board

    def poke(self, branch_id: str) -> None:
        """Cards of a branch changed; call on the event loop. Pokes during a refresh become one further refresh."""
        board = self._boards.get(branch_id)
        if board is None:
            return
        self._again.add(branch_id)
        if branch_id not in self._tasks:
            self._tasks[branch_id] = asyncio.create_task(self._refresh(branch_id, board))

    def forget(self, card_ids: Collection[str]) -> None:
        """Drop cards that are no longer kept."""
        for board in self._boards.values():
            board.forget(card_ids)

    async def _refresh(self, branch_id: str, board: Board) -> None:
        try:
            while branch_id in self._again:
                self._again.discard(branch_id)
                try:
                    await board.refresh()
                except YingbinError as error:
                    log.warning("board_refresh_failed", branch_id=branch_id, code=error.code, error_id=error.error_id)
                    self._again.add(branch_id)
                    await asyncio.sleep(_RETRY_S)
        finally:
            del self._tasks[branch_id]
