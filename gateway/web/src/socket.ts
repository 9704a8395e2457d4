/** A browser WebSocket in the shape the connection wants. */

import type { Socket, SocketEvents } from "./connection";
import { SUBPROTOCOL } from "./protocol";

export function openSocket(ticket: string, events: SocketEvents): Socket {
  const address = new URL("/v1/ws", location.href);
  address.protocol = address.protocol === "https:" ? "wss:" : "ws:";
  const socket = new WebSocket(address, [SUBPROTOCOL, `ticket.${ticket}`]);
  socket.onmessage = (message: MessageEvent<unknown>) => {
    if (typeof message.data === "string") events.received(message.data);
  };
  socket.onclose = (close) => events.closed(close.code);
  return {
    send: (text) => socket.send(text),
    close: () => socket.close(1000),
  };
}
