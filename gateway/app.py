"""The house put together: everything opened in order, everything closed in the other."""

from __future__ import annotations

import contextlib
from pathlib import Path

import aiohttp

from channels import registry as channel_registry
from channels.keeper import Keeps
from channels.model import Channel
from crm import registry as crm_registry
from crm.model import Crm
from gateway.access_following import in_force
from gateway.afresh import HOME, Afresh
from gateway.bus.bounded import BoundedBus
from gateway.bus.embedded import EmbeddedBus
from gateway.bus.model import Bus, Rank
from gateway.clock import Clock, SystemClock
from gateway.config import Config
from gateway.config.model import seconds
from gateway.directory import Directory
from gateway.drawn import TracedDeck
from gateway.governance import Governance
from gateway.handlers.buttons import Buttons
from gateway.house import House
from gateway.joined import Joined
from gateway.lists import Lists
from gateway.logs import hash_with
from gateway.mapped import sensitivities
from gateway.outgoing.breaker import Breakers
from gateway.outgoing.declared import session_of
from gateway.outgoing.gate import Gate
from gateway.outgoing.memory import MemoryBuckets
from gateway.outgoing.model import Buckets
from gateway.people import Identities
from gateway.policies import policies
from gateway.pressure import Pressure
from gateway.records import Records
from gateway.rooms import Rooms
from gateway.schedule import Schedule
from gateway.services import Keys, Services
from gateway.show import Shower
from gateway.spine import Spine
from gateway.stages import Stages
from gateway.store import hour
from gateway.store.alerts import AlertStore
from gateway.store.alone import Alone
from gateway.store.dialogs import DialogStore
from gateway.store.directory import DirectoryStore
from gateway.store.due import DueStore
from gateway.store.engine import Store
from gateway.store.jobs import JobStore
from gateway.store.joined import JoinedStore
from gateway.store.kept import Kept
from gateway.store.ledger import Ledger
from gateway.store.mentioning import MentioningStore
from gateway.store.mirror import MirrorStore
from gateway.store.naming import NamingStore
from gateway.store.owed import OwedStore
from gateway.store.people import PeopleStore
from gateway.store.rooms import RoomStore
from gateway.store.slots import SlotStore
from gateway.store.stages import StageStore
from gateway.store.trail import TrailStore
from gateway.store.user_lists import UserLists
from gateway.store.vault import Vault
from gateway.store.writer import WAITING
from gateway.sweep import Sweep
from gateway.tally import Tally
from gateway.worker import Worker
from gateway.writeback import Writeback
from identity.disclosure import Classes

STORE_FULL = WAITING * 3 // 4
"""Writes that wait for their commit; what is left of the writer's room is for presses and what they bring about."""


async def open_house(config: Config, clock: Clock | None = None) -> House:
    """Opens the store, the CRMs and the channels. Raises `Misconfigured` before anything is served."""
    async with contextlib.AsyncExitStack() as undo:
        house = await _opened(config, clock or SystemClock(), undo)
        undo.pop_all()
        return house


async def _opened(config: Config, clock: Clock, undo: contextlib.AsyncExitStack) -> House:
    """`undo` closes what was opened before a fault was found."""
    keys = Keys.derive(bytes.fromhex(config.master_key.get_secret_value()))
    hash_with(keys.logs)
    store = Store.open(config.store)
    undo.push_async_callback(store.close)
    alone = Alone(store) if config.bus == "store:" else None
    if alone is not None:
        await alone.take()
    queue = await open_bus(config, store, clock, alone)
    pressure = pressure_of(config, store, queue)
    bus = BoundedBus(queue, pressure, OwedStore(store), clock)
    undo.push_async_callback(bus.close)
    await store.fill(beside=config.bus == "store:")
    if bus.shared:
        await hour.follow(store, clock, first=True)
    session = session_of(config)
    undo.push_async_callback(session.close)
    crms = open_crms(config, clock)
    channels = open_channels(config, session, clock)
    vault = Vault(keys.vault)
    await vault.check(store)
    for channel in channels.values():
        if isinstance(channel, Keeps):
            channel.keep_in(Kept(store, vault, clock, channel.name))
    gate = Gate(channels, open_buckets(config), Breakers(clock))
    undo.push_async_callback(gate.close)
    joined = Joined(JoinedStore(store), config)
    ledger = Ledger(
        store,
        vault,
        policies(config),
        deployment=config.deployment,
        clock=clock.now,
        targets=joined.targets,
        alias=joined.of,
    )
    await ledger.follow()
    read_at = clock.now()
    people = PeopleStore(store, clock)
    await people.load()
    entries, every = DirectoryStore(store, people, clock), seconds(config.directory.every) * 1000
    lists, aliases = UserLists(store, vault, clock), config.audience.domain_aliases
    directory = Directory(crms, channels, people, entries, aliases, gate.breakers, clock, every, lists)
    identities = Identities(people, await directory.begin(shared=bus.shared), directory.addresses)
    mirror = MirrorStore(store, vault)
    records = Records(mirror, ledger, people, NamingStore(store), config, clock, joined)
    records.shared = bus.shared
    await records.load(tuple(crms))
    services = Services(
        config=config,
        clock=clock,
        keys=keys,
        store=store,
        bus=bus,
        pressure=pressure,
        ledger=ledger,
        mirror=mirror,
        people=people,
        identities=identities,
        records=records,
        rooms=Rooms(RoomStore(store), people, identities, channels, config.audience, clock, gate),
        slots=SlotStore(store),
        trail=TrailStore(store),
        alerts=AlertStore(store),
        due=DueStore(store),
        dialogs=DialogStore(store, vault),
        mentioning=MentioningStore(store),
        deck=TracedDeck(Path(config.cards_dir) if config.cards_dir else None),
        buttons=Buttons(keys.buttons, config.deployment),
        access=await in_force(config, store, clock.now()),
        classes=classes(config),
        channels=channels,
        crms=crms,
        gate=gate,
        governance=Governance(config, classes(config)),
        stages=Stages(config, classes(config), StageStore(store, clock)),
        tally=Tally(StageStore(store, clock), clock),
    )
    services.rooms.shared = bus.shared
    house = _assemble(services, session, directory, Kept(store, vault, clock, HOME))
    house.read_at, house.alone = read_at, alone
    return house


async def open_bus(config: Config, store: Store, clock: Clock, alone: Alone | None) -> Bus:
    """Raises `Misconfigured`."""
    if alone is not None:
        return EmbeddedBus(JobStore(store), clock, alone)
    from gateway.bus.redis import RedisBus  # its client is loaded only where it is used

    return await RedisBus.open(config.bus, config.deployment, clock)


def pressure_of(config: Config, store: Store, bus: Bus) -> Pressure:
    server = config.server
    marks: dict[Rank, int] = {
        "card": server.waiting_cards,
        "alert": server.waiting_alerts,
        "room": server.waiting,
    }
    return Pressure(lambda: bus.waiting, marks, lambda: store.waiting >= STORE_FULL)


def open_buckets(config: Config) -> Buckets:
    if config.bus == "store:":
        return MemoryBuckets()
    from gateway.bus.redis_buckets import RedisBuckets

    return RedisBuckets.open(config.bus)


def _assemble(services: Services, session: aiohttp.ClientSession, directory: Directory, kept: Kept) -> House:
    shower = Shower(
        services.slots,
        services.channels,
        services.due,
        services.clock,
        services.gate,
        shared=services.bus.shared,
        sent=services.tally.sent,
    )
    spine = Spine(services, shower)
    server = services.config.server
    worker = Worker(services.bus, spine.handle, at_a_time=server.workers, tries=server.tries)
    sweeps = {name: Sweep(services, spine, crm) for name, crm in services.crms.items()}
    writebacks = {name: Writeback(services, spine, crm, sweeps[name]) for name, crm in services.crms.items()}
    spine.edited = tuple(each.nudge for each in writebacks.values())
    afresh = Afresh(services, spine, kept)
    schedule = Schedule(services, spine, afresh)
    lists = Lists(services, spine.refresh_room)
    return House(services, spine, worker, schedule, sweeps, writebacks, session, directory, afresh, lists)


def open_crms(config: Config, clock: Clock) -> dict[str, Crm]:
    opened: dict[str, Crm] = {}
    for name, spec in config.crms.items():
        module = crm_registry.load(spec.type)
        opened[name] = module.Crm(name, module.Config.model_validate(spec.settings), clock=clock.now)
    return opened


def open_channels(config: Config, session: aiohttp.ClientSession, clock: Clock) -> dict[str, Channel]:
    opened: dict[str, Channel] = {}
    for name, spec in config.channels.items():
        module = channel_registry.load(spec.type)
        settings = module.Config.model_validate(spec.settings)
        opened[name] = module.Channel(name, settings, session=session, clock=clock.now)
    return opened


def classes(config: Config) -> Classes:
    spec = config.sensitivity
    lists = {"note": spec.note, "open_item": spec.open_item, "risk": spec.risk, "contact": spec.contact}
    return Classes(sensitivities(config), lists, spec.name)
