"""Secrets with a form of their own: keys of vendors, tokens, private keys, connection strings."""

import re
from bisect import bisect_right
from collections.abc import Iterator

from agents.personal.reading import Reading
from agents.personal.spans import Span

_KEYS: dict[str, str] = {
    "sluice": r"slk_[0-9a-f]{16}_[0-9a-f]{64}",
    "aws": r"(?:AKIA|ASIA|ABIA|ACCA|AROA|AIDA)[A-Z0-9]{16}",
    "github": r"gh[pousr]_[A-Za-z0-9]{30,255}|github_pat_[A-Za-z0-9_]{22,255}",
    "gitlab": r"gl(?:pat|dt|rt|cbt|ptt|ft|imt|agent|oas|soat)-[\w-]{20,60}",
    "slack": r"xox[abeoprs]-[\w-]{10,250}|xapp-\d-[\w-]{10,250}|hooks\.slack\.com/(?:services|workflows)/[\w/]{20,100}",
    "stripe": r"(?:sk|rk|pk)_(?:live|test)_[A-Za-z0-9]{10,250}|whsec_[A-Za-z0-9+/=]{20,100}",
    "openai": r"sk-(?:proj-|svcacct-|admin-|None-)?[\w-]{20,250}|sess-[A-Za-z0-9]{40}",
    "anthropic": r"sk-ant-[\w-]{20,250}",
    "google": r"AIza[\w-]{30,45}|ya29\.[\w-]{20,300}|GOCSPX-[\w-]{20,40}|1//0[\w-]{20,120}",
    "firebase": r"AAAA[\w-]{7}:[\w-]{100,200}",
    "sendgrid": r"SG\.[\w-]{16,32}\.[\w-]{30,64}",
    "twilio": r"(?:AC|SK)[0-9a-f]{32}",
    "mailgun": r"key-[0-9a-f]{32}",
    "mailchimp": r"[0-9a-f]{32}-us\d{1,2}",
    "npm": r"npm_[A-Za-z0-9]{30,60}",
    "pypi": r"pypi-[\w-]{16,300}",
    "docker": r"dckr_(?:pat|oat)_[\w-]{20,60}",
    "hugging-face": r"(?:hf|api_org)_[A-Za-z0-9]{30,50}",
    "digitalocean": r"do[opr]_v1_[0-9a-f]{40,80}",
    "shopify": r"shp(?:at|ca|pa|ss)_[0-9a-fA-F]{32}",
    "square": r"sq0(?:atp|csp|idp)-[\w-]{20,60}|EAAA[\w-]{60}",
    "telegram": r"\d{8,10}:AA[\w-]{32,36}",
    "discord": r"[MNO][A-Za-z\d]{23,27}\.[\w-]{6}\.[\w-]{27,40}",
    "discord-hook": r"discord(?:app)?\.com/api/webhooks/\d{15,20}/[\w-]{40,90}",
    "databricks": r"dapi[0-9a-f]{32}(?:-\d)?",
    "linear": r"lin_(?:api|oauth)_[A-Za-z0-9]{30,70}",
    "notion": r"ntn_[A-Za-z0-9]{40,60}|secret_[A-Za-z0-9]{43}",
    "atlassian": r"ATATT3[\w=-]{50,250}|ATCTT3[\w=-]{50,250}",
    "vault": r"hv[sbr]\.[\w-]{20,300}",
    "terraform": r"[A-Za-z0-9]{14}\.atlasv1\.[\w-]{60,70}",
    "figma": r"fig[dour]_[\w-]{30,60}",
    "groq": r"gsk_[A-Za-z0-9]{40,60}",
    "xai": r"xai-[A-Za-z0-9]{60,100}",
    "perplexity": r"pplx-[A-Za-z0-9]{40,60}",
    "replicate": r"r8_[A-Za-z0-9]{30,45}",
    "grafana": r"gl(?:sa|c)_[A-Za-z0-9+/=_]{30,300}",
    "new-relic": r"NR(?:AK|JS|II)-[\w-]{19,40}",
    "sentry": r"sntr(?:ys|yu)_[A-Za-z0-9+/=_]{40,300}",
    "postman": r"PMAK-[0-9a-f]{24}-[0-9a-f]{34}",
    "doppler": r"dp\.(?:pt|st|sa|scim|audit)\.[A-Za-z0-9.]{40,64}",
    "planetscale": r"pscale_(?:pw|tkn|oauth)_[\w.-]{30,70}",
    "supabase": r"sb[ps]_[0-9a-z_]{20,60}",
    "airtable": r"pat[A-Za-z0-9]{14}\.[0-9a-f]{64}",
    "dropbox": r"sl\.[\w-]{60,200}",
    "facebook": r"EAA[MC][A-Za-z0-9]{40,250}",
    "azure": r"[\w-]{3}8Q~[\w~.-]{31,34}|(?<=AccountKey=)[A-Za-z0-9+/]{40,100}={0,2}",
    "azure-link": r"(?<=sig=)[A-Za-z0-9%+/]{30,100}={0,2}",
    "age": r"AGE-SECRET-KEY-1[02-9AC-HJ-NP-Z]{50,60}",
    "asana": r"[12]/\d{15,17}(?:/\d{15,17})?:[0-9a-f]{32}",
    "okta": r"(?<=SSWS )[\w-]{40,44}",
    "cloudinary": r"cloudinary://\d{10,20}:[\w-]{20,40}@[\w-]{1,60}",
    "heroku": r"HRKU-[\w-]{30,70}",
}
_KEY = re.compile(r"(?<![A-Za-z0-9_])(?:" + "|".join(f"(?:{key})" for key in _KEYS.values()) + r")(?![A-Za-z0-9_])")
_JWT = re.compile(r"(?<![\w-])eyJ[\w-]{8,}+(?:\.[\w-]{4,}+){1,4}|(?<![\w-])eyJ[\w-]{30,}+(?!\.)")


def keys(reading: Reading) -> Iterator[Span]:
    """Keys of well-known vendors by their prefixes, and what a header of HTTP calls a key."""
    yield from (Span(m.start(), m.end(), "API_KEY", 0.95, "key.vendor") for m in _KEY.finditer(reading.text))
    yield from (Span(*m.span(1), "API_KEY", 0.9, "key.header") for m in _HEADER.finditer(reading.text))


_HEADER = re.compile(
    r"\b(?:bearer|basic|authorization:? ?(?:token|apikey)?|x-(?:api-key|auth-token|access-token)|api-key)"
    r"[\"']?[ :=]{1,3}[\"']?((?=[\w.~+/-]{0,60}\d)[\w.~+/-]{16,2000}={0,2})",
    re.IGNORECASE,
)


def tokens(reading: Reading) -> Iterator[Span]:
    """JSON web tokens (RFC 7519), signed, encrypted or cut off."""
    yield from (Span(m.start(), m.end(), "JWT", 0.99, "jwt") for m in _JWT.finditer(reading.text))


_PEM = re.compile(r"-{4,5} ?BEGIN (?:[A-Z0-9]{1,12} ){0,3}PRIVATE KEY(?: BLOCK)? ?-{4,5}")
_PEM_END = re.compile(r"-{4,5} ?END (?:[A-Z0-9]{1,12} ){0,3}PRIVATE KEY(?: BLOCK)? ?-{4,5}")
_PUTTY = re.compile(r"PuTTY-User-Key-File-\d(?:[^\n]*+\n(?=\S))*+[^\n]*+")
_UNFINISHED = re.compile(
    r"(?:[ \t\r\n\"'|>#*]{0,6}[A-Za-z0-9+/=:-]{16,200}[ \t\"',]{0,3}(?:\r?\n|\Z|(?= )))*"
    r"(?:[A-Za-z0-9+/=]{4,15}\s*\Z)?"
)


def private_keys(reading: Reading) -> Iterator[Span]:
    """PEM (RFC 7468), OpenSSH, PGP and PuTTY; without an end, as far as it looks like one."""
    text = reading.text
    ends = [match.end() for match in _PEM_END.finditer(text)]
    position = 0
    for match in _PEM.finditer(text):
        if match.start() < position:
            continue
        at = bisect_right(ends, match.end())
        position = ends[at] if at < len(ends) else _unfinished(text, match.end())
        yield Span(match.start(), position, "PRIVATE_KEY", 1.0, "private-key.pem")
    yield from (Span(m.start(), m.end(), "PRIVATE_KEY", 0.95, "private-key.putty") for m in _PUTTY.finditer(text))


def _unfinished(text: str, start: int) -> int:
    match = _UNFINISHED.match(text, start)
    return match.end() if match else start


_CONNECTION = re.compile(
    r"(?<![A-Za-z0-9])[A-Za-z][A-Za-z0-9+.-]{1,20}://[^\s:/@\"'<>]{0,100}:[^\s\"'<>]{1,200}@[^\s\"'<>,;)]{1,300}"
)
_PARTS = re.compile(
    r"(?<!\w)(?:(?:server|data source|host|hostname|addr|address|endpoint|user id|uid|user"
    r"|username|database|initial catalog|dbname|db|port|driver|accountname|defaultendpointsprotocol"
    r"|sharedaccesskeyname)\s?=[^;\n]{0,80};\s?){1,8}"
    r"(?:password|pwd|accountkey|sharedaccesskey)\s?=\s?[^;\s\"']{1,200}",
    re.IGNORECASE,
)


def connection_strings(reading: Reading) -> Iterator[Span]:
    """URLs and lists of settings that hold a password."""
    for pattern, needed in ((_CONNECTION, "://"), (_PARTS, "=")):
        for match in pattern.finditer(reading.text) if reading.has(needed) else ():
            yield Span(match.start(), match.end(), "CONNECTION_STRING", 0.95, "connection")
