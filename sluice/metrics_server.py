"""Shows metrics on loopback, path /metrics. Hands are shaken in each reader's thread: a slow one keeps nobody up."""

import ssl
import threading
from pathlib import Path
from socketserver import ThreadingMixIn
from typing import Any
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server

from prometheus_client import CollectorRegistry, make_wsgi_app

from sluice.tls import ServerFiles

_READER_SECONDS = 10.0


class _Server(ThreadingMixIn, WSGIServer):
    daemon_threads = True
    tls: ssl.SSLContext | None = None

    def finish_request(self, request: Any, client_address: Any) -> None:
        request.settimeout(_READER_SECONDS)
        if self.tls is None:
            super().finish_request(request, client_address)
            return
        with self.tls.wrap_socket(request, server_side=True) as secured:
            super().finish_request(secured, client_address)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Readers go away, and some bring no certificate: theirs to notice."""


class _Quiet(WSGIRequestHandler):
    def log_message(self, *_: object) -> None:
        return


def serve_metrics(
    registry: CollectorRegistry, port: int, shown: ServerFiles | None = None, clients: Path | None = None
) -> int:
    """Over TLS where there is something to show; readers must then show a certificate of `clients`, if that is given.

    Gives the port, which is another one for 0.
    """
    server = make_server("127.0.0.1", port, make_wsgi_app(registry), _Server, _Quiet)
    if shown is not None:
        server.tls = shown.context(clients)
    threading.Thread(target=server.serve_forever, name="metrics", daemon=True).start()
    return server.server_port
