"""What a file's columns and cells mean: headings in both languages, dates, amounts and stages as people type them."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable
from decimal import Decimal

from crm.local.fields import ungrouped

_SYNONYMS = {
    "id": "id 编号 客户编号 客户id customerid accountid recordid 客户代码 code",
    "name": "name 客户名称 名称 客户 客户名 公司 公司名称 单位名称 company companyname customer customername account"
    " accountname",
    "aliases": "aliases alias 简称 别名 客户简称 shortname shortnames",
    "owner": "owner owners 负责人 客户经理 销售 所有人 accountowner salesrep rep",
    "team": "team 团队 部门 department",
    "region": "region 区域 大区 地区",
    "phone": "phone 电话 联系电话 电话号码 手机 tel telephone phonenumber mobile",
    "email": "email 邮箱 电子邮箱 邮件 电子邮件 mail emailaddress",
    "address": "address 地址 公司地址 详细地址 street",
    "city": "city 城市 所在城市",
    "industry": "industry 行业 所属行业",
    "tier": "tier 级别 等级 客户级别 客户等级 level",
    "stage": "stage 阶段 销售阶段 商机阶段 dealstage",
    "renewal": "renewal 续约 续约日期 续约日 到期日 到期日期 renewaldate renewson",
    "amount": "amount 金额 合同金额 商机金额 dealamount value",
    "credit_limit": "creditlimit 信用额度 授信额度 credit",
    "website": "website 网站 官网 网址 url web",
    "description": "description 描述 简介 about",
    "note": "note notes 备注 跟进记录 comment comments remark remarks",
    "contact": "contact 联系人 contactname contactperson",
    "contact_title": "contacttitle 职务 职位 联系人职务 jobtitle",
    "contact_phone": "contactphone 联系人电话 联系人手机",
    "contact_email": "contactemail 联系人邮箱",
}
TARGETS = {word: target for target, words in _SYNONYMS.items() for word in words.split()}

_STAGES = {
    "lead": "线索 潜在 new prospect",
    "qualified": "已确认 意向 资格确认 qualification",
    "negotiation": "谈判 商务谈判 报价 negotiating proposal",
    "won": "赢单 成交 已成交 closedwon",
    "lost": "输单 丢单 流失 closedlost",
}
_TIERS = {"VIP": "贵宾 重点vip", "key": "重点 大客户 keyaccount", "standard": "普通 标准 一般 normal", "trial": "试用"}
_CHOICES = {
    "stage": {word: stage for stage, words in _STAGES.items() for word in words.split()},
    "tier": {word: tier for tier, words in _TIERS.items() for word in words.split()},
}
_UNITS = {"万": 10_000, "亿": 100_000_000}
_DATE = re.compile(
    r"([0-9]{4})[-/.年]([0-9]{1,2})[-/.月]([0-9]{1,2})日?(?:[ T]0{1,2}:00(?::00)?)?|([0-9]{4})([0-9]{2})([0-9]{2})"
)
_AMOUNT = re.compile(r"(?:cny|rmb|usd|eur|[¥$€])?([+-]?[0-9]+(?:\.[0-9]+)?)(万|亿)?元?")
_SEPARATORS = re.compile(r"[;；、|/\n]")


def target(heading: str) -> str | None:
    """What a column of this heading is for, or None."""
    return TARGETS.get(_plain(heading))


def split(cell: str) -> tuple[str, ...]:
    return tuple(dict.fromkeys(part.strip() for part in _SEPARATORS.split(cell) if part.strip()))


def typed(field: str, cell: str) -> str:
    """The cell as the field's type spells it where it can be told; else unchanged, for the field to refuse."""
    reading = _TYPED.get(field)
    return cell if reading is None else reading(cell)


def _plain(text: str) -> str:
    return re.sub(r"[\s_\-:*()\ufeff]", "", unicodedata.normalize("NFKC", text)).casefold()


def _date(cell: str) -> str:
    match = _DATE.fullmatch(unicodedata.normalize("NFKC", cell).strip())
    if match is None:
        return cell
    year, month, day = (part for part in match.groups() if part is not None)
    return f"{year}-{month:0>2}-{day:0>2}"


def _amount(cell: str) -> str:
    plain = re.sub(r"\s", "", unicodedata.normalize("NFKC", cell)).casefold()
    match = _AMOUNT.fullmatch(ungrouped(plain))
    if match is None:
        return cell
    if match[2] is None or len(match[1]) > 18:
        return match[1]
    number = Decimal(match[1]) * _UNITS[match[2]]
    return format(number.to_integral_value() if number == number.to_integral_value() else number, "f")


def _choice(field: str) -> Callable[[str], str]:
    return lambda cell: _CHOICES[field].get(_plain(cell), cell)


_TYPED: dict[str, Callable[[str], str]] = {
    "renewal": _date,
    "amount": _amount,
    "credit_limit": _amount,
    "stage": _choice("stage"),
    "tier": _choice("tier"),
}
