"""Persons merged and split, keys that changed, contacts and devices, for a program of an admin's."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING

from gateway.errors import Refused
from gateway.http import api_persons_models as told
from gateway.http.api_ask import Ask, Done
from gateway.http.api_people import by_of, link_view
from gateway.http.api_problem import Problem, not_found
from gateway.http.device import Devices, device_codes
from gateway.http.linking import Linking
from gateway.services import Services
from gateway.store.devices import Device
from gateway.store.person_changes import PersonChange
from gateway.store.rekeying import rekey
from identity.certificates import SUBJECT, of_pem
from identity.codes import code_hash, new_code

if TYPE_CHECKING:
    from gateway.http.api import Work
    from gateway.http.api_endpoint import Name

PAGE = 100


class Persons:
    def __init__(self, services: Services, linking: Linking, devices: Devices) -> None:
        self._s = services
        self._linking = linking
        self._devices = devices.store

    def work(self) -> dict[Name, Work]:
        return {
            "link_contact": self.contact,
            "rekey_accounts": self.rekey,
            "merge_persons": self.merge,
            "split_person": self.split,
            "list_person_changes": self.changes,
            "undo_person_change": self.undo,
            "list_devices": self.devices,
            "add_device": self.add_device,
            "bind_device_key": self.bind,
            "revoke_device": self.revoke,
        }

    async def contact(self, ask: Ask) -> Done:
        body = ask.sent(told.ContactBody)
        if body.account.partition("/")[0] not in self._s.channels or body.account.count("/") != 3:
            text = "Write channel/scope/kind/id, of a configured channel."
            raise Problem(409, "bad_key", text, at="account")
        made = await self._linking.contact(body.account, body.record, body.contact, by=by_of(ask))
        return Done(link_view(made))

    async def rekey(self, ask: Ask) -> Done:
        body, s = ask.sent(told.RekeyBody), self._s
        pairs = list(body.keys.items())
        done = await rekey(s.store, s.people, s.clock, body.kind, pairs, by=by_of(ask), dry=body.dry_run)
        return Done(
            told.RekeyedView(
                moved=sum(each.outcome == "moved" for each in done),
                unknown=[each.old for each in done if each.outcome == "unknown"],
                taken=[each.old for each in done if each.outcome == "taken"],
            )
        )

    async def merge(self, ask: Ask) -> Done:
        body = ask.sent(told.MergeBody)
        weight, rooms = await self._linking.weight(body.gone)
        made = None if body.dry_run else await self._linking.merge(body.kept, body.gone, by=by_of(ask))
        return Done(told.MergeView(change=_change(made) if made is not None else None, rooms=rooms, **asdict(weight)))

    async def split(self, ask: Ask) -> Done:
        body = ask.sent(told.SplitBody)
        made = await self._linking.split(body.person, body.links, name=body.name, by=by_of(ask), emails=body.emails)
        return Done(_change(made))

    async def changes(self, ask: Ask) -> Done:
        return Done(told.PersonChangesPage(changes=[_change(each) for each in await self._linking.changes()]))

    async def undo(self, ask: Ask) -> Done:
        return Done(_change(await self._linking.undo(ask.path["change"], by=by_of(ask))))

    # -- devices

    async def devices(self, ask: Ask) -> Done:
        asked = ask.asked(told.DevicesQuery)
        found = await self._devices.listed(asked.person, asked.after, PAGE + 1)
        after = found[PAGE - 1].id if len(found) > PAGE else None
        return Done(told.DevicesPage(devices=[_device(each) for each in found[:PAGE]], after=after))

    async def add_device(self, ask: Ask) -> Done:
        body, code = ask.sent(told.DeviceBody), new_code()
        made = await self._devices.add(body.person, _plain(body.name), frozenset(body.scopes), by=by_of(ask))
        ends = await self._devices.code(made.id, code_hash(code, device_codes(self._s)))
        return Done(told.NewDeviceView(device=_device(made), code=code, expires_at=ends))

    async def bind(self, ask: Ask) -> Done:
        key = self._key(ask.sent(told.DeviceKeyBody))
        made = await self._devices.bind(ask.path["device"], key, evidence="said through the API", by=by_of(ask))
        return Done(_device(made))

    def _key(self, body: told.DeviceKeyBody) -> str:
        if sum(map(bool, (body.certificate, body.fingerprint, body.subject))) != 1:
            raise Problem(409, "one_of", "Send one of certificate, fingerprint and subject.", at="body")
        if body.subject and not self._s.config.devices.subject:
            raise Problem(409, "no_subjects", "Subjects do not count here: `devices.subject` is off.", at="subject")
        if body.subject:
            return f"{SUBJECT}{_plain(body.subject)}"
        try:
            return body.fingerprint or of_pem(body.certificate).key
        except ValueError as wrong:
            raise Problem(409, "bad_certificate", f"{wrong}.", at="certificate") from None

    async def revoke(self, ask: Ask) -> Done:
        if not await self._devices.revoke(ask.path["device"], by=by_of(ask)):
            raise not_found("There is no such device, or it was revoked already.")
        return Done(None)


def _plain(text: str) -> str:
    plain = "".join(sign for sign in text if sign.isprintable()).strip()
    if not plain:
        raise Refused("Write a name.")
    return plain


def _change(made: PersonChange) -> told.PersonChangeView:
    return told.PersonChangeView(**asdict(made))


def _device(each: Device) -> told.DeviceView:
    keys = [told.DeviceKeyView(**asdict(key)) for key in each.keys]
    facts = {name: getattr(each, name) for name in ("id", "person", "name", "by", "at", "ended_at")}
    return told.DeviceView(scopes=sorted(each.scopes), keys=keys, **facts)
