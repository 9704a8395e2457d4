"""All detectors together."""

from agents.personal import contacts, credentials, identities, money, papers, passwords, phones, phrased_secrets
from agents.personal.named.addresses import addresses
from agents.personal.named.doubts import Recognise
from agents.personal.named.listed import load_listed
from agents.personal.named.naming import Names
from agents.personal.normalise import normalise
from agents.personal.policy import Policy
from agents.personal.reading import Detector, Reading, Source
from agents.personal.repeated import repeated
from agents.personal.spans import PersonalType, Span, settle


def _source(detect: Detector, *types: PersonalType) -> Source:
    return Source(detect, frozenset(types))


STRUCTURED = (
    _source(contacts.emails, "EMAIL"),
    _source(contacts.ip_addresses, "IP"),
    _source(contacts.hardware_addresses, "MAC"),
    _source(phones.phones, "PHONE"),
    _source(phones.spelled_phones, "PHONE"),
    _source(money.cards, "CARD"),
    _source(money.ibans, "IBAN"),
    _source(money.bank_accounts, "BANK_ACCOUNT"),
    _source(money.wallets, "WALLET"),
    _source(identities.ssns, "SSN"),
    _source(identities.national_ids, "NATIONAL_ID"),
    _source(identities.called_ids, "NATIONAL_ID"),
    _source(papers.papers, "PASSPORT", "DRIVER_LICENSE"),
    _source(identities.birth_dates, "BIRTH_DATE"),
    _source(credentials.keys, "API_KEY"),
    _source(credentials.tokens, "JWT"),
    _source(credentials.private_keys, "PRIVATE_KEY"),
    _source(credentials.connection_strings, "CONNECTION_STRING"),
    _source(passwords.passwords, "PASSWORD", "API_KEY"),
    _source(phrased_secrets.phrased_secrets, "PASSWORD", "API_KEY"),
    _source(passwords.command_passwords, "PASSWORD"),
)
"""What has a form of its own."""


def load_sources(recognise: Recognise) -> tuple[Source, ...]:
    """All detectors. Raises ConfigurationError where a list is missing: nothing may be searched without it."""
    return (
        *STRUCTURED,
        _source(addresses, "ADDRESS", "PLACE"),
        _source(Names(load_listed(), recognise), "PERSON", "PLACE", "ORG"),
    )


def find(text: str, policy: Policy, sources: tuple[Source, ...] = STRUCTURED) -> list[Span]:
    """What the policy wants found, in order and without overlap."""
    normalised = normalise(text)
    reading = Reading(normalised.text, policy.regions)
    least = {kind: rule.from_score for kind, rule in policy.types.items()}
    read = [
        span if span.score in _ROUND else _rounded(span)
        for source in sources
        if not source.types.isdisjoint(policy.types)
        for span in source.detect(reading)
        if span.score >= least.get(span.type, _NEVER)
    ]
    read.extend(repeated(reading.text, read))
    if normalised.starts is None:
        return settle(text, read)
    found = []
    for span in read:
        start, end = normalised.back(span.start, span.end)
        found.append(Span(start, end, span.type, span.score, span.detector))
    return settle(text, found)


_NEVER = 2.0
_ROUND = frozenset(number / 100 for number in range(101))


def _rounded(span: Span) -> Span:
    return span._replace(score=round(min(span.score, 1.0), 3))
