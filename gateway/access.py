"""Who is asking: bearer tokens and keys of machines, short-lived tickets for browsers' sockets, and the development
page's own token.
"""

from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Literal
from urllib.parse import SplitResult, urlsplit

from gateway.frames import OPENED_BY, TICKET_PREFIX
from gateway.issuer import Issuer
from gateway.machines import UNKNOWN, Machines, RefusedKey
from gateway.tickets import Tickets
from sluice.api_keys import ApiKeys, MemoryApiKeys, is_api_key
from sluice.audit import Action, Mark
from sluice.clock import Clock
from sluice.errors import ErrorCode, Refused
from sluice.tokens import DEVELOPER, Person, Role, Scope, is_own, issue, verify

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
    api_keys: ApiKeys = field(default_factory=MemoryApiKeys)
    """Of machines."""
    own_scheme: Literal["http", "https"] = "http"
    """What pages of this gateway come by."""
    tickets: Tickets = field(init=False)
    machines: Machines = field(init=False)

    def __post_init__(self) -> None:
        """Tickets are signed by the same key."""
        self.tickets = Tickets(self.signing_key, self.clock)
        self.machines = Machines(self.api_keys, self.pseudonym_key, self.clock)

    async def person(self, headers: Mapping[str, str], needs: Collection[Scope]) -> Person:
        """From `Authorization: Bearer`, who may do one of these. Raises Refused, which leaves a mark."""
        with self._marked():
            person = await self._bearer(headers)
        self.permit(person, needs)
        return person

    def permit(
        self, person: Person, needs: Collection[Scope] = (), bot: str | None = None, ref: str | None = None
    ) -> None:
        """A machine does only what its key is for: one of these scopes, this bot. Raises Refused, with a mark."""
        if person.key is None:
            return
        if (needs and person.key.scopes.isdisjoint(needs)) or (bot is not None and not person.may_ask(bot)):
            self.note(Mark(person.user_id, "api_keys.refuse", "refused", ErrorCode.SCOPE_REQUIRED.value))
            raise Refused(ErrorCode.SCOPE_REQUIRED, ref=ref)

    def check(self, person: Person) -> None:
        """Whether what was good when a connection began still is. Raises Refused, with a mark where it is a key."""
        if person.key is not None:
            with self._marked():
                self.machines.still(person.key.key_id)
        elif self.clock() >= person.expires_at:
            raise Refused(ErrorCode.TOKEN_EXPIRED)

    async def _bearer(self, headers: Mapping[str, str]) -> Person:
        scheme, _, token = headers.get("authorization", "").partition(" ")
        if scheme.lower() != "bearer" or not token:
            raise Refused(ErrorCode.UNAUTHENTICATED)
        token = token.strip()
        if is_api_key(token):
            return self.machines.verify(token)
        if self.issuer is not None and not (self.dev_tokens and is_own(token)):
            return await self.issuer.verify(token)
        return verify(token, self.signing_key, self.pseudonym_key, self.clock())

    async def socket_person(self, headers: Mapping[str, str], subprotocols: list[str]) -> Person:
        """A program's bearer token, or a browser's ticket from the sub-protocol list. Raises Refused, with a mark."""
        tickets = [name.removeprefix(TICKET_PREFIX) for name in subprotocols if name.startswith(TICKET_PREFIX)]
        with self._marked():
            self.check_origin(headers)
            person = self._redeemed(tickets[0]) if tickets else await self._bearer(headers)
        self.permit(person, OPENED_BY)
        return person

    def _redeemed(self, ticket: str) -> Person:
        """A ticket is good for no more than what it was given for."""
        person = self.tickets.redeem(ticket)
        return person if person.key is None else self.machines.still(person.key.key_id)

    def officer(self, person: Person, role: Role, action: Action, subject_id: str) -> None:
        """Who may do this to somebody else's data. What is asked for leaves a mark, refused or not. Raises Refused."""
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

    @contextmanager
    def _marked(self) -> Iterator[None]:
        """Who was refused is not known: that is why. Of a key it is."""
        try:
            yield
        except RefusedKey as refused:
            self.note(Mark(refused.actor_id, "api_keys.refuse", "refused", refused.code.value, refused.subject_id))
            raise
        except Refused as refused:
            self.note(Mark(UNKNOWN, "token.refuse", "refused", refused.code.value))
            raise

    def check_origin(self, headers: Mapping[str, str]) -> None:
        """Browsers say where the page is from: only the gateway's own origin and the allowed list. Raises Refused.

        Behind a proxy that speaks TLS for it, its pages come by https: their origin belongs on the list.
        """
        own = f"{self.own_scheme}://{headers.get('host', '')}"
        if headers.get("origin", own) not in (own, *self.allowed_origins):
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
