"""The demo's own CRM screen, on the sample: named as the configuration names it, for readers of both languages."""

from __future__ import annotations

from pathlib import Path

from crm.local.crm import LocalCrm
from crm.local.sample import load_sample
from crm.registry import load as module
from gateway.demo.desk import Desk
from gateway.demo.run import prepare

NOW = 1_795_000_000_000


async def desk(folder: Path) -> tuple[Desk, LocalCrm]:
    config = prepare(folder, 8300)
    crm = LocalCrm("local", module("local").Config.model_validate(config.crms["local"].settings))
    await load_sample(crm, NOW)
    return Desk(crm, config.fields), crm


async def test_every_choice_and_label_is_worded_in_both_languages(tmp_path: Path) -> None:
    screen, crm = await desk(tmp_path)
    record = await screen.read((await screen.search("华星"))[0].id)
    fields = {field.name: field for field in record.fields}
    assert fields["stage"].value == "negotiation" and fields["stage"].option_labels["negotiation"]["zh-CN"] == "谈判"
    for name in ("stage", "tier"):
        assert fields[name].kind == "choice" and set(fields[name].options) == set(fields[name].option_labels)
    words = (Path(__file__).parents[2] / "gateway/console/chat/static/words.js").read_text("utf-8")
    for field in record.fields:
        assert {"en", "zh-CN"} <= set(field.labels) or words.count(f"field_{field.name}: ") == 2, field.name
    await crm.close()


async def test_a_risk_raised_here_is_read_in_both_languages(tmp_path: Path) -> None:
    screen, crm = await desk(tmp_path)
    id_ = (await screen.search("晨溪"))[0].id
    await screen.raise_risk(id_, "li.ting")
    assert [(risk.text, risk.level) for risk in (await screen.read(id_)).risks] == [
        ("付款逾期 · Payment is overdue", "high")
    ]
    await crm.close()
