"""What the handlers work with, gathered once at start."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Mapping
from dataclasses import dataclass, field

from cards.deck import Deck
from channels.model import Channel
from crm.model import Crm
from gateway.bus.model import Bus
from gateway.clock import Clock
from gateway.config import Config
from gateway.governance import Governance
from gateway.handlers.buttons import Buttons
from gateway.outgoing.gate import Gate
from gateway.overtaken import Overtaken
from gateway.people import Identities
from gateway.pressure import Pressure
from gateway.recall import Recall
from gateway.records import Records
from gateway.rooms import Rooms
from gateway.stages import Stages
from gateway.store.alerts import AlertStore
from gateway.store.dialogs import DialogStore
from gateway.store.due import DueStore
from gateway.store.engine import Store
from gateway.store.ledger import Ledger
from gateway.store.mentioning import MentioningStore
from gateway.store.mirror import MirrorStore
from gateway.store.people import PeopleStore
from gateway.store.slots import SlotStore
from gateway.store.trail import TrailStore
from gateway.tally import Tally
from identity.access import AccessPolicy
from identity.disclosure import Classes


@dataclass(frozen=True, slots=True)
class Keys:
    """Keys of one use each, derived from the master key."""

    vault: bytes
    forms: bytes
    buttons: bytes
    codes: bytes
    logs: bytes

    @staticmethod
    def derive(master: bytes) -> Keys:
        def one(label: bytes) -> bytes:
            return hmac.new(master, b"floatcard/" + label, hashlib.sha256).digest()

        return Keys(one(b"vault"), one(b"forms"), one(b"buttons"), one(b"codes"), one(b"logs"))


@dataclass(frozen=True, slots=True)
class Services:
    config: Config
    clock: Clock
    keys: Keys
    store: Store
    bus: Bus
    pressure: Pressure
    ledger: Ledger
    mirror: MirrorStore
    people: PeopleStore
    identities: Identities
    records: Records
    rooms: Rooms
    slots: SlotStore
    trail: TrailStore
    alerts: AlertStore
    due: DueStore
    dialogs: DialogStore
    mentioning: MentioningStore
    deck: Deck
    buttons: Buttons
    access: AccessPolicy
    classes: Classes
    channels: Mapping[str, Channel]
    crms: Mapping[str, Crm]
    gate: Gate
    governance: Governance
    stages: Stages
    tally: Tally
    overtaken: Overtaken = field(default_factory=Overtaken)
    recall: Recall | None = None
    """Within one pass over a room's cards."""
