"""What is wrong with a line under TLS, in a sentence that says what to do."""

from __future__ import annotations

import ssl
from collections.abc import Iterator

NO_TLS = (
    "no TLS could be agreed on (rediss://); is it switched on in this Redis, and is this its TLS port? Where it asks "
    "for a certificate of yours (tls-auth-clients), name one with ssl_certfile=… and ssl_keyfile=…"
)
UNKNOWN = (
    "Redis' TLS certificate is not trusted: who signed it is not known here; name the authority's file with "
    "ssl_ca_certs=… in the address of `bus`"
)
EXPIRED = "Redis' TLS certificate has expired; renew it there, or set the clock of this machine right"
EARLY = "Redis' TLS certificate is not valid yet; mend its dates, or set the clock of this machine right"
OTHER_NAME = (
    "Redis' TLS certificate is another host's; write the host in the address of `bus` as the certificate names it, "
    "or have that name put into the certificate"
)
UNSOUND = "Redis' TLS certificate is not trusted ({says}); mend the certificate"
NO_FILE = "a file that the address of `bus` names with ssl_…=… cannot be read, or is no certificate or key (PEM)"

# OpenSSL's X509_V_ERR_…, as `SSLCertVerificationError.verify_code` gives them
WRONG = {
    9: EARLY,
    10: EXPIRED,
    18: UNKNOWN,  # signed by itself
    19: UNKNOWN,  # signed by an authority that is
    20: UNKNOWN,
    21: UNKNOWN,
    62: OTHER_NAME,
    64: OTHER_NAME,  # an address instead of a name
}
_FILES = {"X509", "PEM"}
"""The parts of OpenSSL that read files."""
_ENDED = (ssl.SSLEOFError, ssl.SSLZeroReturnError)
"""A line that was cut, with TLS or without."""


def untrusted(broke: BaseException) -> str | None:
    """None when it is not TLS that failed."""
    for each in causes(broke):
        if isinstance(each, ssl.SSLCertVerificationError):
            return WRONG.get(each.verify_code) or UNSOUND.format(says=each.verify_message)
        if isinstance(each, ssl.SSLError) and not isinstance(each, _ENDED):
            return NO_FILE if each.library in _FILES else NO_TLS
    return None


def unspoken(broke: BaseException) -> str | None:
    """Of an address that asks for TLS, where nothing else is known: the line was taken and dropped or left silent at
    the first word of it, or never came to that."""
    of_system = [each for each in causes(broke) if isinstance(each, OSError)]
    if any(isinstance(each, FileNotFoundError | PermissionError | IsADirectoryError) for each in of_system):
        return NO_FILE
    dropped = all(
        isinstance(each, (ConnectionResetError, BrokenPipeError, TimeoutError, *_ENDED)) for each in of_system
    )
    return NO_TLS if dropped else None


def causes(broke: BaseException) -> Iterator[BaseException]:
    """It, and what it came of."""
    seen: list[BaseException] = []
    at: BaseException | None = broke
    while at is not None and at not in seen:
        seen.append(at)
        yield at
        at = at.__cause__ or at.__context__
