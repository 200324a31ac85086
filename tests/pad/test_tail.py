import contextlib
import json
import os
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from pad_builders import card_message, welcome
from websockets.exceptions import ConnectionClosed
from websockets.sync.server import ServerConnection, serve

from pad_client.session import Session, TokenExpired
from pad_client.tail import tail
from yingbin.errors import InvalidInput, NotFound
from yingbin.pad_wire import (
    Acknowledge,
    Beat,
    CardMessage,
    CityToPad,
    Hello,
    PadMessage,
    PadRefused,
    Received,
    decode_from_pad,
    encode,
)


class Enough(Exception):
    """Ends a tail from inside the test."""


@contextlib.contextmanager
def city(handle: Callable[[ServerConnection, int, Hello], None]) -> Iterator[str]:
    """Serve on loopback; `handle` gets every connection after its Hello, with its number from 0."""
    count = iter(range(1000))

    def connection(line: ServerConnection) -> None:
        with contextlib.suppress(ConnectionClosed):
            hello = decode_from_pad(line.recv())
            assert isinstance(hello, Hello)
            handle(line, next(count), hello)

    with serve(connection, "127.0.0.1", 0) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"ws://127.0.0.1:{server.socket.getsockname()[1]}/v1/pad"
        finally:
            server.shutdown()
            thread.join()


def quiet(_: str, __: float) -> None:
    pass


def test_drop_and_replay_lose_and_repeat_nothing() -> None:
    hellos: list[Hello] = []
    answers: list[PadMessage] = []

    def handle(line: ServerConnection, number: int, hello: Hello) -> None:
        hellos.append(hello)
        line.send(encode(welcome(head_seq=number + 2)))
        for seq in range(hello.last_seq, number + 3):  # one too many: the last one seen comes again
            line.send(encode(card_message(seq, f"card-{seq}")))
            repeated = seq == hello.last_seq and number > 0
            answers.extend(decode_from_pad(line.recv()) for _ in range(1 if repeated else 2))
        line.close_socket() if number == 0 else line.recv()

    seen: list[int] = []
    downs: list[float] = []

    def show(message: CityToPad, received_at_ms: int) -> None:
        assert received_at_ms > 1_700_000_000_000
        if isinstance(message, CardMessage):
            seen.append(message.seq)
            if message.seq == 3:
                raise Enough

    with city(handle) as url, pytest.raises(Enough):
        tail(url, Session("t", acknowledge=True), show, lambda _, delay_s: downs.append(delay_s))
    assert seen == [0, 1, 2, 3]
    assert [hello.last_seq for hello in hellos] == [0, 2]
    assert len(downs) == 1
    assert answers[:2] == [Received(0), Acknowledge("card-0")]


def test_expired_token_says_so() -> None:
    def handle(line: ServerConnection, _: int, __: Hello) -> None:
        line.send(encode(PadRefused("not_authenticated", "The token has expired.", "e-77")))

    with city(handle) as url, pytest.raises(TokenExpired, match=r"Sign in again.*e-77"):
        tail(url, Session("old"), lambda *_: None, quiet)


def test_waits_for_a_city_that_is_not_there_yet() -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]

    def line_down(reason: str, delay_s: float) -> None:
        assert reason
        assert 0.25 <= delay_s <= 0.5
        raise Enough

    with pytest.raises(Enough):
        tail(f"ws://127.0.0.1:{port}/v1/pad", Session("t"), lambda *_: None, line_down)


def test_wrong_addresses_are_named() -> None:
    with pytest.raises(InvalidInput, match="WebSocket address"):
        tail("http://127.0.0.1/v1/pad", Session("t"), lambda *_: None, quiet)
    with (
        serve(lambda _: None, "127.0.0.1", 0, process_request=lambda line, _: line.respond(404, "no")) as server,
    ):
        threading.Thread(target=server.serve_forever, daemon=True).start()
        with pytest.raises(NotFound, match="/v1/pad"):
            tail(f"ws://127.0.0.1:{server.socket.getsockname()[1]}/", Session("t"), lambda *_: None, quiet)
        server.shutdown()


def command(url: str, *options: str) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        [str(Path(sys.executable).with_name("yingbin")), "pad", "tail", "--url", url, *options],
        env={**os.environ, "YINGBIN_PAD_TOKEN": "t-from-env"},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def test_command_prints_each_message_as_it_arrives() -> None:
    proceed = threading.Event()
    tokens: list[str] = []

    def handle(line: ServerConnection, _: int, hello: Hello) -> None:
        tokens.append(hello.token)
        line.send(encode(welcome(head_seq=1)))
        line.send(encode(card_message(1)))
        assert proceed.wait(30)  # the lines below must not be needed to flush the ones above
        line.send(encode(Beat(5, False)))
        line.send(encode(PadRefused("not_authenticated", "Expired.", "e-9")))
        line.recv()

    with city(handle) as url, command(url, "--json") as process:
        assert process.stdout is not None
        assert process.stderr is not None
        first, second = (json.loads(process.stdout.readline()) for _ in range(2))
        proceed.set()
        rest = process.stdout.read()
        errors = process.stderr.read()
    assert (first["type"], second["type"], second["seq"]) == ("welcome", "card", 1)
    assert second["card"]["surname"] == "陈"
    assert second["received_at_ms"] > 0
    assert json.loads(rest)["type"] == "beat"
    assert "not_authenticated" in errors
    assert process.returncode == 1
    assert tokens == ["t-from-env"]


def test_command_draws_cards_for_people() -> None:
    def handle(line: ServerConnection, _: int, __: Hello) -> None:
        line.send(encode(welcome()))
        line.send(encode(card_message(1, tier="[bold]")))
        line.send(encode(PadRefused("not_authenticated", "Expired.", "e-9")))
        line.recv()

    with city(handle) as url, command(url) as process:
        output, _ = process.communicate(timeout=60)
    for text in ("城东支行", "陈先生", "[bold]", "大额存单", "请核实身份", "不提贷款"):
        assert text in output
