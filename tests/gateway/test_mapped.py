"""The field mappings of several CRMs together: `floatcard check`, `floatcard crm fields`, and who decides."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest
from typer.testing import CliRunner

from gateway.cli.main import app
from gateway.config import check, load
from gateway.mapped import sensitivities
from gateway.policies import policies

HEAD = """
deployment = "test"
master_key = "env:FLOATCARD_TEST_KEY"
[fields.phone]
label = { en = "Phone" }
type = "phone"
editable = true
[fields.tier]
label = { en = "Tier" }
type = "choice"
options = { key = {}, trial = {} }
sensitivity = "internal"
"""
ERP = """
[crms.erp]
type = "sql"
database = "sqlite:///erp.db"
table = "customer"
id = "id"
title = "name"
[crms.erp.fields]
"""
OTHER = ERP.replace("erp", "shop")
GOOD = 'phone = { theirs = "tel", type = "phone" }\n'


@pytest.fixture(autouse=True)
def _key(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("FLOATCARD_TEST_KEY", "ab" * 32)
    monkeypatch.chdir(tmp_path)


def written(tmp_path: Path, text: str) -> Path:
    file = tmp_path / "floatcard.toml"
    file.write_text(HEAD + text)
    return file


def faults(tmp_path: Path, text: str) -> list[tuple[str, str]]:
    return [(key, reason) for _, key, reason in check(written(tmp_path, text))]


def test_a_mapping_that_works_has_no_fault(tmp_path: Path) -> None:
    assert faults(tmp_path, ERP + GOOD) == []


@pytest.mark.parametrize(
    ("text", "key", "says"),
    [
        (ERP + GOOD + 'fax = "fax"\n', "crms.erp.fields.fax", "there is no [fields.fax]"),
        (ERP + 'phone = "tel"\n', "crms.erp.fields.phone.type", "is text here and phone in [fields.phone]"),
        (
            ERP + GOOD + 'tier = { theirs = "t", type = "choice", options = { best = "A" } }\n',
            "crms.erp.fields.tier.options",
            "'best' is no option of [fields.tier]",
        ),
        (
            ERP + 'phone = { theirs = "tel", type = "phone", direction = "read" }\n',
            "fields.phone.editable",
            "no CRM takes",
        ),
        (ERP + 'phone = { theirs = "id", type = "phone" }\n', "crms.erp", "'id' is not for people"),
        (ERP + 'phone = { theirs = "tel", kind = "phone" }\n', "crms.erp.fields.phone.kind", "unknown key"),
        (ERP + GOOD + 'tier = "tel"\n', "crms.erp.fields", "two of our fields are written to 'tel'"),
        (
            ERP
            + 'phone = { theirs = "tel", type = "phone", authority = "master" }\n'
            + OTHER
            + 'phone = { theirs = "tel", type = "phone", authority = "master" }\n',
            "crms.shop.fields.phone.authority",
            "erp is its master already",
        ),
    ],
)
def test_a_mapping_that_cannot_work_is_named(tmp_path: Path, text: str, key: str, says: str) -> None:
    assert [reason for at, reason in faults(tmp_path, text) if at == key and says in reason], faults(tmp_path, text)


def test_who_decides_is_in_the_mapping(tmp_path: Path) -> None:
    text = (
        ERP
        + 'phone = { theirs = "tel", type = "phone", authority = "master", sensitivity = "restricted" }\n'
        + OTHER
        + 'phone = { theirs = "tel", type = "phone", authority = "proposes", sensitivity = "public" }\n'
    )
    config = load(written(tmp_path, text))
    policy = policies(config).fields["phone"]
    assert (policy.master, policy.propose_only) == ("erp", ("shop",))
    assert sensitivities(config) == {"phone": "restricted", "tier": "internal"}


@pytest.fixture
def customers(tmp_path: Path) -> None:
    raw = sqlite3.connect(tmp_path / "erp.db")
    raw.execute("CREATE TABLE customer (id integer PRIMARY KEY, name text, tel varchar(20), logo blob)")
    raw.close()


@pytest.mark.usefixtures("customers")
def test_what_a_crm_offers_is_listed(tmp_path: Path) -> None:
    file = written(tmp_path, ERP + GOOD)
    told = CliRunner().invoke(app, ["crm", "fields", "erp", "--plain", "-c", str(file)])
    assert told.exit_code == 0, told.output
    lines = [line.split("\t") for line in told.output.splitlines()]
    assert ["tel", "tel", "VARCHAR(20)", "", "↔ phone", ""] in lines
    assert ["logo", "logo", "BLOB", "only read", "", ""] in lines


@pytest.mark.usefixtures("customers")
def test_a_mapping_that_cannot_work_there_ends_with_1(tmp_path: Path) -> None:
    mapped = GOOD.replace("tel", "telefone") + 'tier = { theirs = "logo", type = "choice" }\n'
    told = CliRunner().invoke(app, ["crm", "fields", "erp", "-c", str(written(tmp_path, ERP + mapped))])
    assert told.exit_code == 1
    assert "crms.erp.fields.phone.theirs: the CRM has no field 'telefone'" in told.output
    assert "crms.erp.fields.tier.type: 'logo' is BLOB there, which holds no choice" in told.output
