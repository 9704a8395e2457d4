"""WebSocket frames of a client that does as little as can be (RFC 6455, section 5). The mask is zero, which is one."""

TEXT, PING, PONG = 0x1, 0x9, 0xA
_LAST, _MASKED = 0x80, 0x80


def take_frame(data: bytes) -> tuple[int, bytes, bytes] | None:
    """Opcode, payload and what follows. None where the frame is not whole yet."""
    if len(data) < 2:
        return None
    length, at = data[1] & 0x7F, 2
    if length >= 126:
        size = 2 if length == 126 else 8
        length, at = int.from_bytes(data[2 : 2 + size], "big"), 2 + size
    if len(data) < at + length:
        return None
    return data[0] & 0x0F, data[at : at + length], data[at + length :]


def made_frame(opcode: int, payload: bytes) -> bytes:
    """Up to 64 KiB."""
    size = len(payload)
    length = bytes([_MASKED | size]) if size < 126 else bytes([_MASKED | 126]) + size.to_bytes(2, "big")
    return bytes([_LAST | opcode]) + length + b"\0\0\0\0" + payload
