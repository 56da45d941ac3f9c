"""The half that any OData server has, against one that nobody here wrote: SAP's CAP, npm's `@sap/cds`. It knows neither
change tracking nor what Dataverse says of its own columns: that is the stand-in's, and so are tokens."""

from __future__ import annotations

import asyncio
import os
import shutil
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
import pytest_asyncio
from aiohttp import ClientSession, web

from crm.dataverse import Crm
from crm.model import Applied, Conflict
from tests.crm.dataverse.fake import BASE, PERSON, FakeDataverse
from tests.crm.dataverse.harness import DataverseHarness
from tests.crm.standin import Asking, served, standing

ROOT = Path(__file__).parents[3]
HERE, SERVER = ROOT / ".node-odata", Path(__file__).with_name("odata") / "server.cjs"
THEIRS = ("/accounts", "/tasks", "/annotations", "/contacts")
ask = Asking("dataverse")
ref, change = ask.ref, ask.change

pytestmark = pytest.mark.asyncio(loop_scope="module")


def _node() -> str:
    node = shutil.which("node")
    if node is None or not (HERE / ".ready").exists():
        if os.environ.get("CI") == "true":
            pytest.fail("scripts/odata.sh did not install the OData server")
        pytest.skip("no OData server here: scripts/odata.sh installs it, and needs npm and Node 20")
    return node


@dataclass(slots=True)
class Front(FakeDataverse):
    """The stand-in, but for the rows of customers and what belongs to them."""

    rows: str = ""
    session: ClientSession | None = None
    statuses: list[tuple[str, int]] = field(default_factory=list)
    before: Callable[[], Any] | None = None

    async def serve(self, request: web.Request) -> web.StreamResponse:
        if not request.path.startswith(tuple(f"{BASE}{name}" for name in THEIRS)):
            return await FakeDataverse.serve(self, request)
        assert self.session is not None
        if request.method == "PATCH" and self.before is not None:
            act, self.before = self.before, None
            await act()
        kept = ("If-Match", "If-None-Match", "Prefer", "OData-Version", "OData-MaxVersion", "Content-Type")
        headers = {name: request.headers[name] for name in kept if name in request.headers}
        url, body = f"{self.rows}{request.path_qs}", await request.read()
        async with self.session.request(request.method, url, data=body or None, headers=headers) as answer:
            self.statuses.append((request.method, answer.status))
            type_ = answer.headers.get("Content-Type", "application/json").split(";")[0]
            return web.Response(status=answer.status, body=await answer.read(), content_type=type_)

    async def put_there(self, set_: str, /, **values: Any) -> None:
        """As somebody else, at CAP itself."""
        assert self.session is not None
        async with self.session.post(f"{self.rows}{BASE}/{set_}", json=values) as answer:
            assert answer.status == 201, await answer.text()

    async def set_there(self, id_: str, **values: Any) -> None:
        assert self.session is not None
        url = f"{self.rows}{BASE}/accounts({id_})"
        async with self.session.patch(url, json=values, headers={"If-Match": "*"}) as answer:
            assert answer.status == 200, await answer.text()


@asynccontextmanager
async def cap() -> AsyncIterator[str]:
    process = await asyncio.create_subprocess_exec(
        _node(), str(SERVER), str(HERE), cwd=HERE, stdout=asyncio.subprocess.PIPE
    )
    assert process.stdout is not None
    try:
        async with asyncio.timeout(120):
            while not (line := await process.stdout.readline()).startswith(b"ready"):
                assert line, "the OData server ended"
        yield f"http://127.0.0.1:{int(line.split()[1])}"
    finally:
        process.terminate()
        await process.communicate()


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def server() -> AsyncIterator[str]:
    async with cap() as url:
        yield url


@pytest_asyncio.fixture(loop_scope="module")
async def far(server: str) -> AsyncIterator[DataverseHarness]:
    async with ClientSession() as session:
        front = Front(rows=server, session=session)
        async with served(front), standing(DataverseHarness(front)) as opened:
            yield opened


async def made(fake: Front, name: str = "Acme", **values: Any) -> str:
    id_ = str(uuid4())
    await fake.put_there("accounts", accountid=id_, name=name, _ownerid_value=PERSON, merged=False, **values)
    return id_


async def test_a_row_is_read(fake: Front, client: Crm) -> None:
    id_ = await made(fake, "华星医疗 <b>", telephone1="1", revenue=480000.5, industrycode=1, new_vip=True)
    record = await client.get(ref(id_))
    fields = {name: it.value for name, it in record.fields.items()}
    assert record.title == "华星医疗 <b>" and record.owners == (PERSON,)
    assert fields == {
        "phone": "1",
        "city": None,
        "amount": "480000.5",
        "industry": "medical",
        "vip": "true",
        "renewal": None,
        "seen": None,
        "parent": None,
    }


async def test_a_write_under_its_etag_is_taken_and_answers_with_the_next(fake: Front, client: Crm) -> None:
    id_ = await made(fake, telephone1="1")
    before = await client.get(ref(id_))
    answer = await client.apply(change(id_, "phone", "2", before.version, "[Slack card 1.0]"), once="w1")
    after = await client.get(ref(id_))
    assert answer == Applied(after.version, "2", overwrote=False) and after.version > before.version
    assert [told for told in fake.statuses if told[0] == "PATCH"] == [("PATCH", 200)]
    for field_, value in (("renewal", "2026-12-01"), ("seen", "2026-12-01"), ("amount", "7.5"), ("vip", "true")):
        answer = await client.apply(change(id_, field_, value), once=field_)
        assert isinstance(answer, Applied) and answer.rendered == value


async def test_what_came_between_is_412_and_a_conflict(fake: Front, client: Crm) -> None:
    id_ = await made(fake, telephone1="1")
    version = (await client.get(ref(id_))).version
    fake.before = lambda: fake.set_there(id_, telephone1="2")
    answer = await client.apply(change(id_, "phone", "3", version), once="w1")
    assert isinstance(answer, Conflict) and answer.current.fields["phone"].value == "2"
    assert ("PATCH", 412) in fake.statuses
    assert (await client.get(ref(id_))).fields["phone"].value == "2"


async def test_of_eight_writers_with_one_version_one_wins(fake: Front, far: DataverseHarness) -> None:
    id_ = await made(fake)
    clients = [far.client() for _ in range(8)]
    for round_ in range(3):
        version = (await clients[0].get(ref(id_))).version
        asked = change(id_, "phone", str(round_), version)
        answers = await asyncio.gather(*(each.apply(asked, once=f"{round_}/{n}") for n, each in enumerate(clients)))
        assert sum(isinstance(answer, Applied) for answer in answers) == 1


async def test_writers_that_share_no_memory_are_told_apart_by_the_etag_alone(
    fake: Front, far: DataverseHarness
) -> None:
    """Two gateways: nothing here keeps them from writing at once."""
    id_ = await made(fake)
    one, other = far.client(), far.client()
    (_, tag), (_, same) = await asyncio.gather(one._whole(ref(id_)), other._whole(ref(id_)))
    assert tag == same and tag.startswith('W/"')
    wrote = await asyncio.gather(*(crm._patch(change(id_, "phone", str(n)), tag) for n, crm in enumerate((one, other))))
    assert sorted(answer.status for answer in wrote) == [200, 412]


async def test_many_rows_come_over_many_pages(fake: Front, client: Crm) -> None:
    ids = {await made(fake, f"Made-up {n}") for n in range(8)}
    found = await client._reader.read(sorted(ids), customers=True)
    assert set(found) == ids, "three rows a page, and links that are relative"


async def test_what_belongs_to_a_record(fake: Front, client: Crm) -> None:
    id_ = await made(fake)
    await fake.put_there("tasks", activityid=str(uuid4()), _regardingobjectid_value=id_, subject="Call", statecode=0)
    await fake.put_there("tasks", activityid=str(uuid4()), _regardingobjectid_value=id_, subject="Done", statecode=1)
    await fake.put_there("annotations", annotationid=str(uuid4()), _objectid_value=id_, notetext="O'Brian & Söhne")
    person = {"_parentcustomerid_value": id_, "fullname": "王芳", "jobtitle": "CTO", "statecode": 0}
    await fake.put_there("contacts", contactid=str(uuid4()), **person)
    related = (await client.get(ref(id_))).related
    told = {kind: [item.text for item in items] for kind, items in related.items()}
    assert told == {"note": ["O'Brian & Söhne"], "open_item": ["Call"], "contact": ["王芳"]}
