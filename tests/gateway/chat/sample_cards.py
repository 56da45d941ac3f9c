"""Cards of every kind, as the wire carries them, for a gateway that only pretends."""

from __future__ import annotations

from typing import Any

Json = dict[str, Any]
HOUR = 3_600_000
DAY = 24 * HOUR


def block(type: str, **fields: Any) -> Json:
    return {"type": type, **fields}


def button(label: str, action: str, data: str = "x", style: str = "default") -> Json:
    return {"label": label, "action": action, "data": data, "style": style}


def fact(label: str, value: str, **more: Any) -> Json:
    defaults: Json = {"source": "", "at": 0, "editable": False, "undecided": False}
    return block("fact", label=label, value=value, **{**defaults, **more})


def card(name: str, summary: str, *blocks: Json, tone: str = "neutral", locale: str = "zh-CN") -> Json:
    return {"name": name, "summary": summary, "tone": tone, "locale": locale, "blocks": list(blocks)}


def customer(now: int, phone: str = "138 0571 8842", source: str = "[CRM] 11-18", *, guest: bool = False) -> Json:
    title = block(
        "title", text="华星医疗", badges=[{"text": "VIP", "tone": "info"}, {"text": "华东", "tone": "neutral"}], url=""
    )
    footer = block("footer", as_of="10:32", source="[CRM] 10:30", trace="溯源 7F3A-19", at=now)
    actions = block(
        "actions",
        buttons=[
            button("编辑", "edit", style="primary"),
            button("给我看全部", "show_me"),
            button("不是这个客户", "wrong"),
            button("为什么", "why"),
        ],
    )
    if guest:
        return card("customer", "华星医疗", title, block("actions", buttons=[button("给我看全部", "show_me")]), footer)
    return card(
        "customer",
        "华星医疗 · 谈判 · 续约 12-01",
        title,
        block("risk", text="竞品进场,客户要求重新报价", level="high", word="高风险"),
        fact("负责人", "王敏"),
        fact("阶段", "谈判"),
        fact("续约", "12-01 (11天)", at=now + 11 * DAY),
        fact("电话", phone, editable=True, source=source, at=now - HOUR),
        fact("地址", "苏州工业园区星湖街 328 号", editable=True),
        block("divider"),
        block("note", date="11-18", who="李婷", text="对报价有异议,要竞品对比", at=now - 3 * DAY),
        block("note", date="11-12", who="王敏", text="演示完成,等采购流程", at=now - 9 * DAY),
        block("open_item", text="发送对比表", due="逾期 2 天", overdue=True, done=False, at=now - 2 * DAY),
        block("open_item", text="约技术评审", due="11-24", overdue=False, done=False, at=now + 3 * DAY),
        actions,
        footer,
    )


def several(now: int) -> Json:
    return card(
        "customers",
        "2 customers",
        block("title", text="Two customers in this message", badges=[], url=""),
        block(
            "row",
            title="Northlake Logistics",
            text="Negotiation · renewal in 6 days",
            tone="warning",
            button=button("Open", "open"),
        ),
        block("row", title="远航科技", text="试用 · 负责人 陈伟", tone="neutral", button=button("打开", "open")),
        block("footer", as_of="10:32", source="", trace="溯源 7F3A-20", at=now),
        locale="en",
    )


def picker() -> Json:
    return card(
        "picker",
        "Which 远航科技?",
        block("title", text="“远航科技”是哪一家?", badges=[], url=""),
        block(
            "row",
            title="远航科技 (杭州)",
            text="杭州 · 陈伟 · 上次联系 11-15",
            tone="neutral",
            button=button("这一家", "pick", "a"),
        ),
        block(
            "row",
            title="远航科技 (深圳)",
            text="深圳 · 王敏 · 上次联系 9-02",
            tone="neutral",
            button=button("这一家", "pick", "b"),
        ),
        block("actions", buttons=[button("不是客户", "none")]),
    )


def form(phone: str) -> Json:
    def field(name: str, label: str, value: str, kind: str, **more: Any) -> Json:
        defaults: Json = {
            "options": [],
            "source": "",
            "hint": "",
            "error": "",
            "max_length": 3000,
            "token": f"t-{name}",
        }
        return {"name": name, "label": label, "value": value, "kind": kind, **{**defaults, **more}}

    fields = [
        field("phone", "电话", phone, "phone", source="[CRM] 11-18 09:12"),
        field("address", "地址", "苏州工业园区星湖街 328 号", "text", source="[Slack card 1.0] 李婷 10:33"),
        field("stage", "阶段", "谈判", "choice", options=["线索", "谈判", "签约"]),
        field("renewal", "续约日期", "2026-12-01", "date"),
        field("email", "邮箱", "ops@huaxing.example", "email", hint="合同通知发到这里"),
        field("note", "备注", "", "long"),
    ]
    return card(
        "edit_form",
        "编辑 华星医疗",
        block("title", text="编辑 华星医疗", badges=[], url=""),
        block("form", data="form-token", fields=fields, submit="保存", cancel="取消"),
    )


def conflict(now: int, mine: str, settled: str = "") -> Json:
    def column(label: str, value: str, who: str, when: str, press: Json | None) -> Json:
        return {
            "label": label,
            "value": value,
            "who": who,
            "when": when,
            "at": now - HOUR,
            "source": "[CRM]",
            "button": press,
        }

    choose = not settled
    columns = [
        column("之前", "138 0571 8842", "王敏", "11-18", None),
        column("CRM 里现在", "138 0571 9000", "陈伟", "10:31", button("保留这个", "settle", "crm") if choose else None),
        column("你的", mine, "李婷", "10:33", button("用我的", "settle", "mine", "primary") if choose else None),
    ]
    tail = [block("text", text=f"已由 王敏 定为 {settled}", tone="info")] if settled else []
    undo = [block("actions", buttons=[button("撤销", "undo")])] if settled else []
    return card(
        "conflict",
        "电话被改过了",
        block("title", text="华星医疗 · 电话", badges=[{"text": "冲突", "tone": "warning"}], url=""),
        block("text", text="陈伟在你编辑时改了这个字段。选一个,所有人的卡片都会更新。", tone="neutral"),
        block("columns", columns=columns),
        *tail,
        *undo,
        block("footer", as_of="10:33", source="", trace="溯源 7F3A-21", at=now),
        tone="neutral" if settled else "warning",
    )


def alert(now: int) -> Json:
    return card(
        "alert",
        "华星医疗: 风险升高",
        block("title", text="华星医疗", badges=[{"text": "高风险", "tone": "danger"}], url=""),
        block("text", text="风险由中变为高:竞品进场,客户要求重新报价。", tone="danger"),
        fact("自", "10:31", at=now - 5 * 60_000),
        fact("建议", "今天联系采购负责人"),
        block("actions", buttons=[button("我来处理", "acknowledge", style="primary"), button("稍后 1 小时", "snooze")]),
        block("footer", as_of="10:36", source="", trace="溯源 7F3A-22", at=now),
        tone="danger",
    )


def everything(now: int) -> Json:
    """One card with the remaining blocks, hostile strings among them."""
    return card(
        "why",
        "Why this card",
        block(
            "title", text="<script>alert(1)</script> \u202eevil *bold* <!channel>", badges=[], url="javascript:alert(1)"
        ),
        block("heading", text="Why this card"),
        block("text", text="“华星” matched 华星医疗 (score 0.97).", tone="info"),
        block("text", text="Two fields are withheld because a guest is here.", tone="warning"),
        block("code", text="FC-4821-KD"),
        block("link", text="Open in the console", url="https://example.test/console"),
        block("link", text="A link that is none", url="javascript:alert(2)"),
        block("open_item", text="Done already", due="", overdue=False, done=True, at=0),
        block("risk", text="Late payment", level="medium", word="Medium"),
        block("hologram", text="A block nobody knows yet"),
        fact("Emoji", "🎈" * 3000, undecided=True, source="[CRM] 10:30"),
        block("footer", as_of="10:36", source="", trace="溯源 7F3A-23", at=now),
        tone="info",
        locale="en",
    )
