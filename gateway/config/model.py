"""The configuration as frozen models. Every field's description is its documentation's first sentence."""

from __future__ import annotations

import re
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, SecretStr

from identity.model import Sensitivity

_DURATION = re.compile(r"(\d+)\s*(s|m|h|d)")
_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86400}


def seconds(text: str) -> int:
    """`90s`, `10m`, `2h`, `30d` as seconds. Raises ValueError on anything else."""
    match = _DURATION.fullmatch(text.strip())
    if match is None:
        raise ValueError(f"{text!r} is not a duration such as 90s, 10m, 2h or 30d")
    return int(match[1]) * _SECONDS[match[2]]


def _checked(text: str) -> str:
    seconds(text)
    return text


Duration = Annotated[str, AfterValidator(_checked)]
Name = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_-]{0,31}$")]


class Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Plugged(BaseModel):
    """A channel or a CRM: `type` names its module, the rest is that module's own `Config`."""

    model_config = ConfigDict(frozen=True, extra="allow")
    type: str = Field(
        description="The module's name, as its page under `docs/channels` or `docs/crm` is called (`web`, `slack`, "
        "`local`), or the dotted path of your own package."
    )

    @property
    def settings(self) -> dict[str, Any]:
        return dict(self.model_extra or {})


class FieldSpec(Frozen):
    """One field of a customer: how it is called, compared, shown and decided."""

    label: dict[str, str] = Field(description='What people read, by locale: `{ en = "Phone", zh-CN = "电话" }`.')
    type: Literal["text", "phone", "email", "decimal", "date", "choice"] = Field(
        "text", description="How a typed value is checked and which form control is used."
    )
    options: dict[str, dict[str, str]] = Field(
        {}, description="The values of a `choice`, each with its label by locale (or `{}`)."
    )
    sensitivity: Sensitivity = Field("internal", description="The class the access policies judge it by.")
    normaliser: str = Field(
        "trimmed", description="How two spellings are compared: identity, trimmed, email, decimal, phone, phone:CN."
    )
    editable: bool = Field(False, description="Whether a form offers it.")
    policy: str | None = Field(None, description="The merge policy's name; else its kind's, else `default`.")
    tag: bool = Field(False, description="Shown as a tag beside the name instead of as a fact.")
    card: int = Field(0, ge=0, le=99, description="Its place among a card's facts; 0 keeps it behind *show me*.")


class PolicySpec(Frozen):
    """How a real conflict on a field is decided."""

    mode: Literal["authoritative", "master_wins", "last_writer_wins", "review", "merge"] = Field(
        "master_wins", description="Who wins when two people changed a value without seeing each other."
    )
    fallback: Literal["last_writer_wins", "review"] = Field(
        "review", description="What decides where the mode gives nothing."
    )
    authority: tuple[str, ...] = Field((), description="`authoritative`: the systems that may set it, strongest first.")
    master: str | None = Field(
        None, description="`master_wins`: the system that wins; by default the record's own CRM."
    )
    rank: tuple[str, ...] = Field((), description="`last_writer_wins`: who is stronger at the same moment.")
    propose_only: tuple[str, ...] = Field(
        (), description="Systems whose edits bind nobody until a person accepts them."
    )
    min_role: str | None = Field(None, description="The role a person needs to settle or undo.")
    merge: Literal["set_union", "counter", "monotone"] | None = Field(
        None, description="`merge`: how the changes are put together: tags, a number counted up and down, stages."
    )
    order: tuple[str, ...] = Field((), description="`merge` of `monotone`: the stages, from the first to the last.")


class SourceSpec(Frozen):
    """A system that numbers its edits, one after another: an ERP's rows, a device. Named as the tokens' `system`."""

    streams: tuple[Name, ...] = Field(("main",), description="Its numbered streams; an edit names one with a position.")
    crm: Name | None = Field(
        None, description="The CRM by which its records are read where numbers are missing; else the gap is closed."
    )
    hold: Duration = Field("30s", description="How long edits wait for the numbers missing before them.")


class SensitivitySpec(Frozen):
    """Classes of what is not a field of its own."""

    name: Sensitivity = Field("public", description="That this name is a customer.")
    note: Sensitivity = Field("confidential", description="The notes, and how many there are.")
    open_item: Sensitivity = Field("internal", description="The open items, and how many there are.")
    risk: Sensitivity = Field("confidential", description="The risks, and how many there are.")
    contact: Sensitivity = Field("confidential", description="The contacts, and how many there are.")


class AudienceSpec(Frozen):
    public_channel_audience: Literal["workspace", "members"] = Field(
        "workspace", description="Who a public or searchable channel is computed for."
    )
    exempt_bots: tuple[str, ...] = Field((), description="Bots (as `channel/scope/kind/id`) that need not be counted.")
    domain_aliases: dict[str, str] = Field({}, description='E-mail domains that are one: `{ "acme.cn" = "acme.com" }`.')


class MentionsSpec(Frozen):
    cool_down: Duration = Field(
        "30m", description="How long a customer floats no second card in a room unless it changed."
    )
    budget: int = Field(
        12,
        ge=0,
        le=1000,
        description="Cards a room gets in an hour; beyond it one line with a button gathers the rest.",
    )
    index: str | None = Field(
        None,
        description="A file the names are kept in, for a quick start with very many customers. It holds their names.",
    )
    suggest: bool = Field(True, description="Ask an author alone about a name that looks misspelled or is in pinyin.")


class AlertsSpec(Frozen):
    risk_high: bool = Field(True, description="Tell the managers when a risk turned high.")
    conflict_open: Duration | None = Field("10m", description="Tell the managers of a conflict open for this long.")
    set_back: bool = Field(True, description="Tell the managers and admins when a source was set back.")
    snooze: Duration = Field("1h", description="For how long *snooze* hushes an alert.")


class ServerSpec(Frozen):
    host: str = Field("127.0.0.1", description="The address to listen on.")
    port: int = Field(8300, ge=0, le=65535, description="The port to listen on; 0 takes a free one.")
    body_limit: int = Field(
        1_048_576, ge=1024, description="The largest body accepted, in bytes; a larger one is answered 413."
    )
    workers: int = Field(
        16, ge=1, le=1024, description="How many rooms are worked on at a time; more where a network answers slowly."
    )
    tries: int = Field(5, ge=1, le=100, description="How often an event is tried before it is parked.")
    waiting_cards: int = Field(
        5_000, ge=1, description="Jobs that may wait before messages bring no new cards and repaints are put off."
    )
    waiting_alerts: int = Field(
        10_000, ge=1, description="Jobs that may wait before alerts are put off as well; at least `waiting_cards`."
    )
    waiting: int = Field(
        15_000,
        ge=1,
        description="Jobs that may wait before networks are told to come again with everything but presses and forms.",
    )


class OidcSpec(Frozen):
    """Sign-in to the console by the company's own provider of identities (OpenID Connect)."""

    issuer: str = Field(description="The provider's issuer, exactly as it calls itself: `https://login.example.com`.")
    client_id: str = Field(min_length=1, description="Under which name we are registered there.")
    client_secret: SecretStr | None = Field(
        None, description="`env:NAME` or `file:PATH`; without it only PKCE proves that the code is ours."
    )
    label: str = Field("", max_length=80, description="What the button says; by default the issuer's host.")
    scopes: tuple[str, ...] = Field(("openid", "profile"), description="What is asked for, `openid` among it.")
    hosts: tuple[str, ...] = Field(
        (), description="Further hosts its documents may name, where its keys or tokens are not at the issuer's."
    )
    roles_claim: str = Field("groups", description="The claim that says somebody's groups.")
    roles: dict[str, str] = Field(
        {}, description='Role by group: `{ crm-admins = "admin" }`; given and taken away at each sign-in.'
    )
    emails: bool = Field(
        False, description="Whether an address it verified becomes the person's at sign-in, if nobody else has it."
    )
    algorithms: tuple[Literal["RS256", "RS384", "RS512", "PS256", "ES256", "ES384", "EdDSA"], ...] = Field(
        ("RS256", "PS256", "ES256", "EdDSA"), description="With what its tokens may be signed."
    )


Selectors = tuple[str, ...]
"""Names of fields or lists, `class:internal` (what is public or internal), or `*`."""


class ApplicationSpec(Frozen):
    """What a channel or the bearer of a token may read and write; policies are asked besides."""

    read: Selectors = Field(("*",), description="The fields and lists it may read: names, `class:internal`, or `*`.")
    write: Selectors = Field(("*",), description="The fields it may write, among those it may read.")


Stage = Literal["minimal", "standard", "full"]


class StagesSpec(Frozen):
    """How much of what a room may see its cards show, until an admin says more."""

    start: Stage = Field("minimal", description="Where every kind of room begins that is not named in `rooms`.")
    rooms: dict[str, Stage] = Field(
        {}, description='Where one kind begins: `{ "group/public" = "standard", "direct/direct" = "full" }`.'
    )
    minimal: Selectors = Field(("owner",), description="What *minimal* shows besides the name.")
    standard: Selectors = Field(
        ("owner", "class:internal"), description="What *standard* shows besides the name; *full* shows everything."
    )


class DirectorySpec(Frozen):
    """Whom directories know: who is brought in by SCIM, and how soon somebody who left anywhere has no rights."""

    roles: dict[str, str] = Field(
        {}, description='Role by the name of a SCIM group: `{ "CRM Reps" = "rep" }`; the group gives and takes it.'
    )
    team: Literal["", "department", "division", "costCenter", "organization"] = Field(
        "", description="Which attribute of a SCIM user is the person's team; without it SCIM says nothing of teams."
    )
    every: Duration = Field(
        "30s", description="How often the users of CRMs and networks are read for who left; more than 45s is too late."
    )


class DevicesSpec(Frozen):
    """Devices that prove who they are with a certificate, behind a proxy that ends TLS."""

    proxies: tuple[str, ...] = Field(
        (), description='Addresses from which that header is believed: `["10.0.0.5", "10.1.0.0/16"]`.'
    )
    header: str = Field("client-cert", description="The header in which the proxy passes a verified certificate on.")
    format: Literal["rfc9440", "xfcc", "pem"] = Field(
        "rfc9440", description="How it is written there: RFC 9440, Envoy's XFCC, or a PEM with its signs escaped."
    )
    subject: bool = Field(
        False, description="Whether the proxy checks certificates against your own authority, so that a subject counts."
    )
    overlap: Duration = Field("7d", description="How long a device's old key is good after it was given a new one.")


class ConsoleSpec(Frozen):
    idle: Duration = Field("1h", description="A session of the console that asks for nothing ends after this.")
    longest: Duration = Field("12h", description="Every session of the console ends after this.")
    fresh: Duration = Field(
        "10m",
        description="How old a sign-in may be for policies, roles, exports and erasures; then it is asked for again.",
    )
    oidc: OidcSpec | None = Field(None, description="Without it people sign in with one-time links.")


class LogsSpec(Frozen):
    format: Literal["text", "json"] = Field(
        "text", description="Lines for people, or one JSON object a line for whatever collects them."
    )
    access: bool = Field(False, description="A line for each request, with its route, its status and how long it took.")


class TelemetrySpec(Frozen):
    otlp: str = Field("", description="The address of an OpenTelemetry collector (HTTP); without it nothing is traced.")
    ratio: float = Field(1.0, ge=0, le=1, description="The share of traces that is recorded.")
    instance: str = Field(
        "", pattern=r"^[A-Za-z0-9_.-]{0,64}$", description="This process in traces and logs; else it is made up."
    )


class RetentionSpec(Frozen):
    once: Duration = Field("30d", description="How long an event's id is remembered; never less than 30 days.")
    trail: Duration = Field("30d", description="How long the steps of a turn are kept for *why*.")
    inbox: Duration = Field(
        "90d", description="How long an edit sent again is answered as the first time; never less than 30 days."
    )
    outbox: Duration = Field("30d", description="How long writes to CRMs are kept that came to an end.")
    slots: Duration = Field(
        "365d", description="How long a card is kept up to date, and taken away if need be, after it was posted."
    )
    parked: Duration = Field("365d", description="How long parked jobs wait for `floatcard replay`.")
    counts: Duration = Field(
        "400d", description="How long is counted, by day, what cards led to and which application read which field."
    )


class Config(Frozen):
    """`floatcard.toml`."""

    deployment: Name = Field(description="This deployment's own name; it is signed into every form.")
    public_url: str = Field("http://127.0.0.1:8300", description="The address networks and browsers reach us at.")
    store: str = Field(
        "sqlite:///var/floatcard.db",
        description="The database: `sqlite:///PATH` or `postgresql://USER@HOST/NAME`; `env:NAME` and `file:PATH` too.",
    )
    bus: str = Field(
        "store:",
        description="The queue: `store:` keeps it in the database, for one gateway; `redis://HOST/DB` serves several.",
    )
    master_key: SecretStr = Field(
        description="`env:NAME` or `file:PATH` of 32 bytes in hex; encrypts values and signs forms."
    )
    locale: Literal["en", "zh-CN"] = Field("en", description="The language where neither person nor room tells one.")
    zone: str = Field("UTC", description="The time zone where the reader's is not known.")
    cards_dir: str | None = Field(None, description="A folder of your own card templates, searched before ours.")
    policies_dir: str | None = Field(None, description="A folder of your own access policies, laid over ours.")
    server: ServerSpec = ServerSpec()
    channels: dict[Name, Plugged] = Field({}, description="The chat networks, by a name of your own.")
    crms: dict[Name, Plugged] = Field({}, description="The CRMs, by a name of your own.")
    fields: dict[str, FieldSpec] = Field({}, description="The fields of a customer.")
    policies: dict[str, PolicySpec] = Field(
        {}, description="Merge policies by name; `default` is `master_wins`, else `review`."
    )
    kinds: dict[str, str] = Field({}, description="The merge policy of a whole kind of record.")
    sources: dict[Name, SourceSpec] = Field({}, description="Systems that number their edits; any other is not linear.")
    sensitivity: SensitivitySpec = SensitivitySpec()
    applications: dict[str, ApplicationSpec] = Field(
        {}, description="What a channel or a token, by its name, may read and write; others as their readers may."
    )
    granted: dict[str, tuple[str, ...]] = Field(
        {},
        description="By field, list or detail of a list's items the only channels and tokens that may have it: "
        '`{ phone = ["sms"], "contact.phone" = ["sms"] }`.',
    )
    stages: StagesSpec = StagesSpec()
    audience: AudienceSpec = AudienceSpec()
    mentions: MentionsSpec = MentionsSpec()
    alerts: AlertsSpec = AlertsSpec()
    retention: RetentionSpec = RetentionSpec()
    console: ConsoleSpec = ConsoleSpec()
    directory: DirectorySpec = DirectorySpec()
    devices: DevicesSpec = DevicesSpec()
    logs: LogsSpec = LogsSpec()
    telemetry: TelemetrySpec = TelemetrySpec()
    demo: bool = Field(False, description="Serves the demo's chat at `/demo`; for a laptop, never for a deployment.")
