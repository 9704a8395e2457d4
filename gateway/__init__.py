"""The public edge: WebSocket, REST, server-sent events and the chat page. Never imports agents or streams."""
