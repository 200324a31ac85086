"""A line that loses and damages RTP packets between an RTSP server and a box, both on loopback, over UDP."""

import asyncio
import contextlib
import random
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import cast

from line_thread import in_thread

_PORTS = re.compile(rb"client_port=(\d+)-(\d+)")
Address = tuple[str, int]


@dataclass
class UdpLine:
    """What it still has to do to the packets that pass: every `every`-th is lost or gets one wrong byte in turn."""

    port: int = 0
    every: int = 10
    to_harm: int = 0
    lost: int = 0
    changed: int = 0
    passed: int = 0
    _noise: random.Random = field(default_factory=lambda: random.Random(3))

    def harm(self, packets: int) -> None:
        """Harm so many packets from now on, and no more."""
        self.to_harm = packets

    def through(self, packet: bytes) -> bytes | None:
        """Return what is left of an RTP packet; None when it is lost."""
        self.passed += 1
        if self.to_harm == 0 or self.passed % self.every:
            return packet
        self.to_harm -= 1
        if self.to_harm % 2:
            self.lost += 1
            return None
        self.changed += 1
        harmed = bytearray(packet)
        harmed[self._noise.randrange(12, len(packet))] ^= 0xFF  # after the RTP header (RFC 3550)
        return bytes(harmed)


class _Relay(asyncio.DatagramProtocol):
    """Hands on what the server sends to one of the box's two ports."""

    def __init__(self, line: UdpLine | None) -> None:
        self._line = line
        self.box: Address | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.DatagramTransport", transport)
        self.port: int = transport.get_extra_info("sockname")[1]

    def datagram_received(self, data: bytes, _: object) -> None:
        packet = data if self._line is None else self._line.through(data)
        if packet is not None and self.box is not None:
            self._transport.sendto(packet, self.box)


@contextlib.contextmanager
def udp_line(server_port: int) -> Iterator[UdpLine]:
    """Yield a line to the RTSP server at `server_port`; its own `port` is what the box connects to."""
    line = UdpLine()

    async def ask(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, relays: list[_Relay]) -> None:
        while request := await reader.read(16_384):
            if found := _PORTS.search(request):
                for relay, port in zip(relays, found.groups(), strict=True):
                    relay.box = ("127.0.0.1", int(port))
                ours = b"client_port=%d-%d" % (relays[0].port, relays[1].port)
                request = _PORTS.sub(ours, request)
            writer.write(request)

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while reply := await reader.read(16_384):
            writer.write(reply)

    async def join(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        their_reader, their_writer = await asyncio.open_connection("127.0.0.1", server_port)
        ends = [
            await asyncio.get_running_loop().create_datagram_endpoint(
                lambda harmed=harmed: _Relay(harmed), ("127.0.0.1", 0)
            )
            for harmed in (line, None)  # RTP, RTCP
        ]
        relays = [relay for _, relay in ends]
        ways = {
            asyncio.create_task(ask(reader, their_writer, relays)),
            asyncio.create_task(answer(their_reader, writer)),
        }
        _, open_ways = await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
        for way in open_ways:
            way.cancel()
        await asyncio.gather(*ways, return_exceptions=True)
        for transport, _ in ends:
            transport.close()
        their_writer.close()
        writer.close()

    async def server() -> asyncio.Server:
        listening = await asyncio.start_server(join, "127.0.0.1", 0)
        line.port = listening.sockets[0].getsockname()[1]
        return listening

    with in_thread(server):
        yield line
