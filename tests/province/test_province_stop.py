"""Stopping: a city that waits for news does not hold the server up."""

import asyncio

from province_server.city_api import next_page
from province_server.feed import Notifier
from yingbin.feed_wire import FeedPage


class QuietReader:
    def page(self, _city_id: str, after: int, _key_id: str) -> FeedPage:
        return FeedPage(False, (), after, after, b"", 0, "k", "k")


async def test_waiting_for_the_feed_ends_when_the_server_stops() -> None:
    notifier = Notifier()
    asyncio.get_running_loop().call_later(0.05, notifier.close)
    page = await next_page(QuietReader(), notifier, "city", 7, "k", wait_s=3600)  # type: ignore[arg-type]
    assert page.up_to == 7
