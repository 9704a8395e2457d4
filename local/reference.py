"""Writes the reference pages from the code: `python -m local.reference`. A test holds the pages against it."""

from typing import get_args

from gateway.frames import ClientFrame, ServerFrame
from local.compliance.data_map import data_map_page
from local.compliance.page import compliance_page
from local.openai_reference import openai_page
from local.provider_page import provider_page
from local.routing_page import routing_page
from local.warehouse_page import warehouse_page
from sluice.errors import CATALOGUE, RejectReason
from sluice.paths import checkout
from sluice.schemas import schema_of
from sluice.settings import Settings
from sluice.topics import DEAD_LETTER_SUFFIX, catalogue


def settings_page() -> str:
    """Every setting with its default."""
    lines = ["# Settings", "", "Read once by each process. `make up NAME=value` or the environment.", ""]
    lines += ["| Variable | Default | Meaning |", "|---|---|---|"]
    for name, field in Settings.model_fields.items():
        default = "see below" if field.default_factory else repr(field.default)
        default = "(development key)" if "SecretStr" in default else default
        lines.append(f"| `SLUICE_{name.upper()}` | `{default}` | {field.description} |")
    lines += [
        "",
        "`SLUICE_HOME` is `.sluice` in the checkout, `SLUICE_BOTS_DIR` is `deploy/bots`, `SLUICE_KEYS_DIR` is",
    ]
    lines += ["`keys` in `SLUICE_HOME`. `SLUICE_SECURE` and `SLUICE_REGISTRY` are off until they are set. `make` knows"]
    lines += ["`make` knows `BROKER`, `LLM` and `REGISTRY` as short names of `SLUICE_BROKER` and so on."]
    return "\n".join(lines) + "\n"


def errors_page() -> str:
    """Every code a client can meet, and every reason of a dead letter."""
    lines = ["# Error codes", "", "The same codes on REST (problem details), on the WebSocket and in failed turns.", ""]
    lines += ["| Code | HTTP | Try again | Meaning |", "|---|---|---|---|"]
    lines += [
        f"| `{code.value}` | {kind.http_status} | {'yes' if kind.retryable else 'no'} | {kind.message} |"
        for code, kind in CATALOGUE.items()
    ]
    lines += ["", "## Reasons of dead letters", "", ", ".join(f"`{reason.value}`" for reason in RejectReason) + "."]
    return "\n".join(lines) + "\n"


def topics_page() -> str:
    """The catalogue, and the fields of every event."""
    lines = ["# Topics and events", "", "| Topic | Events | Key | Retention | Personal data | Written by | Read by |"]
    lines.append("|---|---|---|---|---|---|---|")
    own = [topic for topic in catalogue().values() if topic.events and not topic.name.endswith(DEAD_LETTER_SUFFIX)]
    for topic in own:
        writers, readers = ", ".join(topic.producers), ", ".join(topic.consumers)
        events = ", ".join(topic.events)
        hours = f"{topic.retention_hours} h"
        lines.append(f"| `{topic.name}` | {events} | `{topic.key}` | {hours} | {topic.pii} | {writers} | {readers} |")
    lines += ["", f"Every topic that somebody reads has a dead-letter topic, `<topic>{DEAD_LETTER_SUFFIX}`.", ""]
    for name in [*(event for topic in own for event in topic.events), "DeadLetter"]:
        schema = schema_of(name)
        lines += [f"## {name}", "", schema["doc"], "", "| Field | Meaning |", "|---|---|"]
        for field in schema["fields"]:
            sealed = " *Sealed.*" if field.get("pii") == "sealed" else ""
            lines.append(f"| `{field['name']}` | {field['doc']}{sealed} |")
        lines.append("")
    return "\n".join(lines)


def protocol_page() -> str:
    """The frames of the WebSocket."""
    lines = ["# The protocol `sluice.v1`", "", _PROTOCOL, ""]
    for title, union in (("Frames of the client", ClientFrame), ("Frames of the gateway", ServerFrame)):
        lines += [f"## {title}", "", "| `type` | Fields | Meaning |", "|---|---|---|"]
        for frame in get_args(union):
            fields = ", ".join(f"`{name}`" for name in frame.__struct_fields__)
            lines.append(f"| `{frame.__struct_config__.tag}` | {fields} | {(frame.__doc__ or '').strip()} |")
        lines.append("")
    return "\n".join(lines)


_PROTOCOL = """A WebSocket at `/v1/ws`, sub-protocol `sluice.v1`, one JSON object a text frame. Programs send
`Authorization: Bearer TOKEN` with the handshake; browsers fetch a ticket from `POST /v1/tickets` and offer
`ticket.TICKET` as a second sub-protocol. `sluice token` prints a development token, `sluice api-keys create` a key
for a machine; such a key needs the scope `chat` for `message.send`, `turn.stop` and `feedback`, and `read` for
`session.resume`.

A frame of the client is at most 64 kB, a message at most 8,000 characters; unknown fields are refused. A refusal is
an `error` frame with a code of [the catalogue](errors.md), and the connection lives on. Close codes: 4400 too many
refused frames, 4401 the token expired or the key was revoked, 4408 the reader was too slow: reconnect and resume.

The cursor of `session.resume` is `turn_id:attempt:seq` of the last delta seen. What is missing follows in order, also
turns that began or ended since; or `resync_required` says that the turns must be loaded over REST. Without a cursor,
running turns come as a `snapshot` with all text so far. The name of a session stands in the log in the clear: take a
random one (a UUID), never a name, an address or a number of somebody; cards, bank accounts, social security numbers
and keys of the well-known vendors are refused. What a message is called stays at the gateway. A resend with the same
`client_msg_id` is the same turn and brings its outcome. Close code 1012 means: reconnect, to any gateway, and resume;
4408: you read too slowly, resume. Deltas carry `seq` 0..n without a gap; one frame may hold several,
`first_seq` to `seq`."""

PAGES = {
    "settings": settings_page,
    "errors": errors_page,
    "topics": topics_page,
    "protocol": protocol_page,
    "routing": routing_page,
    "openai": openai_page,
    "development-provider": provider_page,
    "data-map": data_map_page,
    "compliance": compliance_page,
    "warehouse": warehouse_page,
}


def main() -> None:
    """Write all pages."""
    for name, page in PAGES.items():
        (checkout() / "docs" / "reference" / f"{name}.md").write_text(page())


if __name__ == "__main__":
    main()
