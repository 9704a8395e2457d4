"""The generated API documents say what the code does."""

from typing import get_args

from openapi_spec_validator import validate
from starlette.routing import Route

from gateway.app import ROUTES
from gateway.asyncapi import asyncapi_document
from gateway.frames import ClientFrame, ServerFrame
from gateway.openapi import openapi_document

NOT_API = {"/", "/{path:path}", "/openai/{path:path}", "/openapi.json", "/asyncapi.json"}


def test_the_openapi_document_is_valid():
    validate(openapi_document())


def test_it_has_every_route_with_its_method_and_no_other():
    own = {
        (r.path, m.lower()) for r in ROUTES if isinstance(r, Route) and r.path not in NOT_API for m in r.methods or ()
    }
    documented = {(path, method) for path, item in openapi_document()["paths"].items() for method in item}
    assert documented == {(path, method) for path, method in own if method != "head"}


def test_every_frame_is_in_the_asyncapi_document():
    document = asyncapi_document()
    tags = {message["name"] for message in document["components"]["messages"].values()}
    assert tags == {str(f.__struct_config__.tag) for f in (*get_args(ClientFrame), *get_args(ServerFrame))}
    sent = {ref["$ref"].rsplit("/", 1)[1] for ref in document["operations"]["send"]["messages"]}
    assert sent == {f.__name__ for f in get_args(ServerFrame)}
    assert {m["payload"]["$ref"].rsplit("/", 1)[1] for m in document["components"]["messages"].values()} <= set(
        document["components"]["schemas"]
    )
