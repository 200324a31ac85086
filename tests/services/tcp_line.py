"""A line that damages what a server says to a box, both on loopback, over TCP."""

import asyncio
import contextlib
import random
from collections.abc import Iterator

from line_thread import in_thread
from ports import free_port


@contextlib.contextmanager
def damaging_line(port: int, every_bytes: int) -> Iterator[int]:
    """Overwrite a byte about every so many bytes from the server, once the film has begun; yields the proxy's port."""
    own_port = free_port()
    noise = random.Random(7)

    async def carry(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, *, damage: bool) -> None:
        passed, next_hit = 0, 60_000
        while chunk := bytearray(await reader.read(16_384)):
            while damage and next_hit < passed + len(chunk):
                chunk[next_hit - passed] = noise.randrange(256)
                next_hit += noise.randrange(1, 2 * every_bytes)
            passed += len(chunk)
            writer.write(chunk)
            await writer.drain()

    async def join(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        their_reader, their_writer = await asyncio.open_connection("127.0.0.1", port)
        ways = {
            asyncio.create_task(carry(reader, their_writer, damage=False)),
            asyncio.create_task(carry(their_reader, writer, damage=True)),
        }
        _, open_ways = await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
        for way in open_ways:
            way.cancel()
        await asyncio.gather(*ways, return_exceptions=True)
        their_writer.close()
        writer.close()

    async def server() -> asyncio.Server:
        return await asyncio.start_server(join, "127.0.0.1", own_port)

    with in_thread(server):
        yield own_port
