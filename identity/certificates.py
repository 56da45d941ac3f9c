"""A device's certificate: the fingerprint of its key and its subject, and the headers in which a proxy passes it on."""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
from dataclasses import dataclass
from typing import Final
from urllib.parse import unquote

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

LONGEST: Final = 16_384
SUBJECT: Final = "subject:"
_BEGIN, _END = "-----BEGIN CERTIFICATE-----", "-----END CERTIFICATE-----"
# One way only to read any text: what cannot be an element costs no more than its length.
_ELEMENT: Final = re.compile(r'\s*([A-Za-z]+)=("(?:[^"\\]|\\.)*"\s*|[^;,"]*)(;|$)')
_BYTES: Final = re.compile(r":([A-Za-z0-9+/]+={0,2}):")


@dataclass(frozen=True, slots=True)
class Certificate:
    """`key`: the SHA-256 of its public key (SPKI) in hex, the same for every certificate of one key. `subject`: as
    RFC 4514 writes it. Times in ms."""

    key: str
    subject: str
    not_before: int
    not_after: int

    def valid(self, now: int) -> bool:
        return self.not_before <= now <= self.not_after


def of_der(raw: bytes) -> Certificate:
    """Raises ValueError for what is none."""
    if len(raw) > LONGEST:
        raise ValueError("it is too long for a certificate")
    try:
        read = x509.load_der_x509_certificate(raw)
        spki = read.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
        subject = read.subject.rfc4514_string()
    except Exception as broken:  # its parser raises many kinds, and whatever it is, this is no certificate
        raise ValueError("it is no certificate that can be read") from broken
    begins, ends = read.not_valid_before_utc, read.not_valid_after_utc
    return Certificate(
        hashlib.sha256(spki).hexdigest(), subject, round(begins.timestamp() * 1000), round(ends.timestamp() * 1000)
    )


def of_pem(text: str) -> Certificate:
    """The first of the text. Raises ValueError."""
    if len(text) > 2 * LONGEST:
        raise ValueError("it is too long for a certificate")
    inside, ended, _ = text.partition(_BEGIN)[2].partition(_END)
    try:
        raw = base64.b64decode("".join(inside.split()), validate=True) if ended else b""
    except ValueError:
        raw = b""
    if not raw:
        raise ValueError("it is no certificate in PEM")
    return of_der(raw)


def from_header(text: str, form: str) -> Certificate:
    """What a proxy passed on, in one of the forms of `devices.format`. Raises ValueError."""
    if len(text) > 4 * LONGEST:
        raise ValueError("it is too long for a certificate")
    if form == "rfc9440":
        found = _BYTES.fullmatch(text.strip())
        if found is None:
            raise ValueError("it is not written as RFC 9440 says")
        try:
            return of_der(base64.b64decode(found[1], validate=True))
        except binascii.Error:
            raise ValueError("it is not written as RFC 9440 says") from None
    return of_pem(unquote(_xfcc(text) if form == "xfcc" else text))


def _xfcc(text: str) -> str:
    """The certificate of the one element. Two of them are two proxies: whose the device is cannot be told."""
    parts: dict[str, str] = {}
    rest = text.strip()
    while rest:
        found = _ELEMENT.match(rest)
        if found is None or found[1].lower() in parts:
            raise ValueError("it does not tell of one client alone")
        value = found[2].strip()
        parts[found[1].lower()] = re.sub(r"\\(.)", r"\1", value[1:-1]) if value.startswith('"') else value
        rest = rest[found.end() :]
    if not parts.get("cert"):
        raise ValueError("it carries no certificate: set Cert among what the proxy forwards")
    return parts["cert"]
