"""A schema registry that speaks as much of the Confluent API as its client uses."""

import contextlib
import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class SmallRegistry(ThreadingHTTPServer):
    """Registers schemas by subject and gives them back by id; `answer` overrides the status of everything.

    While `speaks` is clear, it takes requests and answers none.
    """

    daemon_threads = False  # its end waits for whoever still answers: no test meets the threads of another

    def __init__(self, port: int = 0, schemas: list[str] | None = None) -> None:
        self.schemas = [] if schemas is None else schemas
        self.answer: int | None = None
        self.requests = 0
        self.speaks = threading.Event()
        self.speaks.set()
        super().__init__(("127.0.0.1", port), Handler)
        threading.Thread(target=self.serve_forever, args=(0.01,), daemon=True).start()

    def __exit__(self, *_: object) -> None:
        self.speaks.set()
        self.shutdown()
        self.server_close()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"


class Handler(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        schemas = self.server.schemas
        if body["schema"] not in schemas:
            schemas.append(body["schema"])
        self.reply(200, {"id": schemas.index(body["schema"]) + 100})

    def do_GET(self) -> None:
        number = int(self.path.split("/")[3].split("?")[0]) - 100
        if 0 <= number < len(self.server.schemas):
            self.reply(200, {"schema": self.server.schemas[number]})
        else:
            self.reply(404, {"error_code": 40403, "message": "not found"})

    def reply(self, status: int, body: dict) -> None:
        self.server.requests += 1
        self.server.speaks.wait(10)
        status = self.server.answer or status
        raw = json.dumps(body if status == 200 else {"error_code": status, "message": "no"} | body).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/vnd.schemaregistry.v1+json")
        self.send_header("Content-Length", str(len(raw)))
        with contextlib.suppress(ConnectionError):
            self.end_headers()
            self.wfile.write(raw)

    def log_message(self, *_: object) -> None:
        pass
