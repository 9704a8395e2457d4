"""The chat page, built from `gateway/web`. Nothing it loads comes from another host."""

from pathlib import Path

from starlette.requests import Request
from starlette.responses import FileResponse, PlainTextResponse, Response

from gateway.problems import problem
from sluice.errors import ErrorCode, Refused

WEB = Path(__file__).resolve().parent / "web" / "dist"
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "font-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; "
    "require-trusted-types-for 'script'; trusted-types dompurify sluice"
)
SECURITY_HEADERS = {
    "Content-Security-Policy": POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
}


async def page(request: Request) -> Response:
    """`/`, or a file of the build."""
    name = request.path_params.get("path", "index.html")
    file = _file(name)
    if file is None:
        if name == "index.html":
            return PlainTextResponse("The page is not built. `make up` builds it.\n", 503, SECURITY_HEADERS)
        if name.startswith("v1/"):  # a program asks
            return problem(Refused(ErrorCode.NOT_FOUND))
        return PlainTextResponse("not found\n", 404, SECURITY_HEADERS)
    lasting = "assets" in file.parts
    caching = {"Cache-Control": "public, max-age=31536000, immutable" if lasting else "no-cache"}
    return FileResponse(file, headers=SECURITY_HEADERS | caching)


def _file(name: str) -> Path | None:
    """The file of that name in the build, if there can be one."""
    try:
        file = (WEB / name).resolve()
        return file if file.is_relative_to(WEB) and file.is_file() else None
    except (OSError, ValueError):
        return None
