"""A small TCP proxy that can cut its connections, turn new ones away and hold back what goes through."""

import asyncio
import contextlib
from dataclasses import dataclass, field

_CHUNK_BYTES = 65_536


@dataclass(slots=True)
class Proxy:
    """One listening port on loopback, one target. Both directions are treated alike."""

    port: int
    target_port: int
    delay_seconds: float = 0.0
    refusing: bool = False
    refused: int = 0
    somebody: asyncio.Event = field(default_factory=asyncio.Event)
    """Set while a connection is open."""
    late: asyncio.Event = field(default_factory=asyncio.Event)
    """Set once something has arrived after a delay."""
    _open: set[asyncio.StreamWriter] = field(default_factory=set)
    _serving: set["asyncio.Task[None] | None"] = field(default_factory=set)
    _server: asyncio.Server | None = None

    async def start(self) -> None:
        """Listen."""
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", self.port)

    async def stop(self) -> None:
        """Close everything."""
        if self._server is not None:
            self._server.close()
        self.cut()
        await asyncio.gather(*filter(None, self._serving), return_exceptions=True)

    def cut(self) -> int:
        """Reset all connections; gives how many. Peers see an error, not an orderly end."""
        writers = list(self._open)
        for writer in writers:
            writer.transport.abort()
        return len(writers) // 2

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._open.add(writer)
        task = asyncio.current_task()
        self._serving.add(task)
        far_writer: asyncio.StreamWriter | None = None
        try:
            if self.refusing:
                self.refused += 1
                return
            far_reader, far_writer = await asyncio.open_connection("127.0.0.1", self.target_port)
            self._open.add(far_writer)
            self.somebody.set()
            ways = [
                asyncio.create_task(self._pump(reader, far_writer)),
                asyncio.create_task(self._pump(far_reader, writer)),
            ]
            try:
                await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
            finally:
                for way in ways:
                    way.cancel()
                await asyncio.gather(*ways, return_exceptions=True)
        except OSError:
            pass  # the target is away: the caller is cut off, as without a proxy
        finally:
            self._serving.discard(task)
            if not self._serving:
                self.somebody.clear()
            for one in (writer, far_writer):
                if one is not None:
                    self._open.discard(one)
                    one.transport.abort() if self.refusing else one.close()

    async def _pump(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError):
            while data := await reader.read(_CHUNK_BYTES):
                delayed = self.delay_seconds
                if delayed:
                    await asyncio.sleep(delayed)
                writer.write(data)
                await writer.drain()
                if delayed:
                    self.late.set()
