"""The tablet's stream without a tablet: connects, shows every message as it arrives, reconnects and catches up."""

import random
import time
from collections.abc import Callable

from websockets.exceptions import ConnectionClosed, InvalidHandshake, InvalidStatus, InvalidURI
from websockets.sync.client import ClientConnection, connect

from pad_client.session import Session, TokenExpired
from yingbin.errors import InvalidInput, NotFound
from yingbin.ids import now_ms
from yingbin.pad_wire import LINE_DOWN_AFTER_S, CityToPad, decode_from_city, encode

Show = Callable[[CityToPad, int], None]
"""Called with each message worth showing and the UTC milliseconds at which it arrived."""
LineDown = Callable[[str, float], None]
"""Called with the reason and the seconds until the next attempt."""


def tail(url: str, session: Session, show: Show, line_down: LineDown) -> None:
    """Follow the stream at `url` (ws:// or wss://) until interrupted.

    Raises `TokenExpired` when the city wants a new token, `InvalidInput` for an address that is none, `NotFound` when
    something else answers there, `BadMessage` when the city speaks another language.
    """
    while True:
        try:
            # The city is in the branch's own network: never through a proxy that the environment happens to name.
            with connect(url, proxy=None, open_timeout=LINE_DOWN_AFTER_S, close_timeout=1) as line:
                _follow(line, session, show)
            continue
        except InvalidURI as error:
            raise InvalidInput(f"{url!r} is not a WebSocket address; expected ws://host:port/v1/pad") from error
        except InvalidStatus as error:
            status = error.response.status_code
            if status in (401, 403):
                raise TokenExpired("The city refused this token. Sign in again for a new one.") from error
            if status == 404:
                raise NotFound(f"No tablet gateway at {url}: the path is usually /v1/pad") from error
            reason = f"city answered {status}"
        except (ConnectionClosed, InvalidHandshake, OSError) as error:  # OSError includes TimeoutError: silence
            reason = str(error) or type(error).__name__
        delay_s = session.delay_s(random.random())  # noqa: S311  (jitter, not a secret)
        line_down(reason, delay_s)
        time.sleep(delay_s)


def _follow(line: ClientConnection, session: Session, show: Show) -> None:
    """Return when the session wants a new connection at once; leave by an exception when the line fails."""
    line.send(encode(session.hello()))
    while True:
        raw = line.recv(timeout=LINE_DOWN_AFTER_S)
        arrived_ms = now_ms()
        step = session.receive(decode_from_city(raw))
        if step.restart:
            return
        if step.show is not None:
            show(step.show, arrived_ms)
        for reply in step.replies:
            line.send(encode(reply))
