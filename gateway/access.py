"""Who is asking: bearer tokens, short-lived tickets for browsers' sockets, and the development page's own token."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from urllib.parse import SplitResult, urlsplit

from gateway.frames import TICKET_PREFIX
from gateway.issuer import Issuer
from gateway.tickets import Tickets
from sluice.audit import Action, Mark
from sluice.clock import Clock
from sluice.errors import ErrorCode, Refused
from sluice.tokens import DEVELOPER, Person, Role, is_own, issue, verify

_LOOPBACK_NAMES = {"127.0.0.1", "localhost", "[::1]", "::1"}


@dataclass(slots=True)
class Access:
    """Checks and issues."""

    signing_key: bytes
    pseudonym_key: bytes
    clock: Clock
    token_seconds: int
    dev_tokens: bool
    allowed_origins: tuple[str, ...] = ()
    note: Callable[[Mark], None] = lambda _mark: None
    """Leaves a mark in the audit log without waiting for it."""
    issuer: Issuer | None = None
    """Of people's tokens; where there is one, the platform's own tokens count only if development tokens do."""
    tickets: Tickets = field(init=False)

    def __post_init__(self) -> None:
        """Tickets are signed by the same key."""
        self.tickets = Tickets(self.signing_key, self.clock)

    async def person(self, headers: Mapping[str, str]) -> Person:
        """From `Authorization: Bearer`. Raises Refused, which leaves a mark."""
        with self._marked():
            return await self._bearer(headers)

    async def _bearer(self, headers: Mapping[str, str]) -> Person:
        scheme, _, token = headers.get("authorization", "").partition(" ")
        if scheme.lower() != "bearer" or not token:
            raise Refused(ErrorCode.UNAUTHENTICATED)
        token = token.strip()
        if self.issuer is not None and not (self.dev_tokens and is_own(token)):
            return await self.issuer.verify(token)
        return verify(token, self.signing_key, self.pseudonym_key, self.clock())

    async def socket_person(self, headers: Mapping[str, str], subprotocols: list[str]) -> Person:
        """A program's bearer token, or a browser's ticket from the sub-protocol list. Raises Refused, with a mark."""
        tickets = [name.removeprefix(TICKET_PREFIX) for name in subprotocols if name.startswith(TICKET_PREFIX)]
        with self._marked():
            self.check_origin(headers)
            return self.tickets.redeem(tickets[0]) if tickets else await self._bearer(headers)

    async def officer(self, headers: Mapping[str, str], role: Role, action: Action, subject_id: str) -> Person:
        """Who may do this to somebody else's data. What is asked for leaves a mark, refused or not. Raises Refused."""
        person = await self.person(headers)
        allowed = role in person.roles
        self.note(
            Mark(
                person.user_id,
                action,
                "allowed" if allowed else "refused",
                "requested" if allowed else ErrorCode.ROLE_REQUIRED.value,
                subject_id,
            )
        )
        if not allowed:
            raise Refused(ErrorCode.ROLE_REQUIRED)
        return person

    @contextmanager
    def _marked(self) -> Iterator[None]:
        """Who was refused is not known: that is why."""
        try:
            yield
        except Refused as refused:
            self.note(Mark("unknown", "token.refuse", "refused", refused.code.value))
            raise

    def check_origin(self, headers: Mapping[str, str]) -> None:
        """Browsers say where the page is from: only the gateway's own host and the allowed list. Raises Refused."""
        origin = headers.get("origin")
        if origin is None or origin in self.allowed_origins:
            return
        if _parts(origin).netloc != headers.get("host"):
            raise Refused(ErrorCode.ORIGIN_REFUSED)

    def development_token(self, headers: Mapping[str, str], client: str | None) -> str:
        """For the page on loopback. Raises Refused elsewhere, also when a foreign name points at loopback."""
        if not self.dev_tokens:
            raise Refused(ErrorCode.NOT_FOUND)
        host = _parts("//" + headers.get("host", "")).hostname or ""
        if client not in _LOOPBACK_NAMES or host not in _LOOPBACK_NAMES:
            raise Refused(ErrorCode.ORIGIN_REFUSED)
        self.check_origin(headers)
        return issue(DEVELOPER, self.signing_key, self.clock(), self.token_seconds)


def _parts(url: str) -> SplitResult:
    """Raises Refused on what is no URL."""
    try:
        return urlsplit(url)
    except ValueError:
        raise Refused(ErrorCode.ORIGIN_REFUSED) from None
