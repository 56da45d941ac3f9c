from __future__ import annotations

import pytest
from playwright.async_api import Page, Route, expect

from tests.gateway.chat import sample_cards as cards
from tests.gateway.chat.browser.looking import Looking, say
from tests.gateway.chat.house import House, Person, until

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]


async def test_a_mention_a_card_an_edit_and_two_windows(look: Looking, house: House) -> None:
    mine, theirs = await look.window("u_liting"), await look.window("u_chenwei")
    await say(mine, "明天去华星医疗谈续约")
    for page in (mine, theirs):
        await expect(page.locator(".card h3")).to_have_text("华星医疗")
    await mine.get_by_role("button", name="编辑", exact=True).click()
    phone = mine.get_by_label("电话")
    await expect(phone).to_be_focused()
    await phone.fill("nonsense")
    await phone.press("Enter")
    await expect(mine.locator(".field-error").first).to_contain_text("这不是电话号码")
    await expect(phone).to_be_focused()
    await phone.fill("139 0000 1111")
    await phone.press("Enter")
    await expect(mine.locator("#toasts")).to_contain_text("已保存")
    for page in (mine, theirs):
        await expect(page.locator(".fact.changed dd")).to_contain_text("139 0000 1111")
    await expect(mine.locator(".turn").first).to_contain_text("master_wins")
    assert look.complaints == []


async def test_only_what_changed_is_shown_as_changed(look: Looking, house: House) -> None:
    page = await look.window("u_liting")
    await say(page, "华星")
    await expect(page.locator(".card")).to_be_visible()
    assert await page.locator(".changed").count() == 0
    repainted = cards.customer(house.clock.now() + 60_000, "138 0571 8842", "[Web card 1.0] 陈伟 10:40")
    await house.gateway.call("PUT", f"/messages/{house.gateway.posted['华星']}", {"card": repainted})
    await expect(page.locator(".changed")).to_have_count(1)
    await expect(page.locator(".changed dt")).to_have_text("电话")


async def test_a_whisper_is_marked_and_the_others_do_not_have_it(look: Looking, house: House) -> None:
    mine, theirs = await look.window("u_liting"), await look.window("u_chenwei")
    await say(mine, "远航科技那边回复了吗")
    await expect(mine.locator(".whisper .only")).to_have_text("仅您可见")
    await say(mine, "之后的一句")
    await expect(theirs.locator(".text", has_text="之后的一句")).to_be_visible()
    assert await theirs.locator(".card").count() == 0
    assert "哪一家" not in await theirs.content()


async def test_an_answer_card_is_for_the_one_who_pressed_and_can_be_put_away(look: Looking, house: House) -> None:
    mine, theirs = await look.window("u_liting"), await look.window("u_chenwei")
    await say(mine, "华星")
    await mine.get_by_role("button", name="给我看全部").click()
    answer = mine.locator(".answer")
    await expect(answer.locator(".only")).to_have_text("仅您可见")
    await expect(answer).to_be_focused()
    assert await theirs.locator(".answer").count() == 0
    await mine.keyboard.press("Escape")
    await expect(answer).to_have_count(0)
    await expect(mine.get_by_role("button", name="编辑", exact=True)).to_be_focused()


async def test_an_answer_says_when_the_card_it_hangs_on_has_changed(look: Looking, house: House) -> None:
    mine, theirs = await look.window("u_liting"), await look.window("u_wangmin")
    await say(mine, "华星")
    await mine.get_by_role("button", name="给我看全部").click()
    answer = mine.locator(".answer")
    await expect(answer).to_be_visible()
    await expect(answer.locator(".old")).to_have_count(0)
    await theirs.get_by_role("button", name="编辑").first.click()
    await theirs.get_by_label("电话").fill("138 0571 9999")
    await theirs.locator("dialog").get_by_role("button", name="保存").click()
    await expect(answer.locator(".old")).to_contain_text("此后已有变化")
    await mine.get_by_role("button", name="给我看全部").first.click()
    await expect(answer.locator(".old")).to_have_count(0)


async def test_an_answer_card_goes_when_what_it_asked_is_done(look: Looking, house: House) -> None:
    page = await look.window("u_liting")
    await say(page, "华星")
    await page.get_by_role("button", name="给我看全部").click()
    await page.locator(".answer").get_by_role("button", name="不是这个客户").click()
    await expect(page.locator("#toasts")).to_contain_text("知道了")
    await expect(page.locator(".answer")).to_have_count(0)


async def test_a_conflict_has_three_columns_and_is_settled_for_everybody(look: Looking, house: House) -> None:
    mine, theirs = await look.window("u_liting"), await look.window("u_wangmin")
    await say(mine, "冲突")
    await expect(theirs.locator(".column")).to_have_count(3)
    await theirs.get_by_role("button", name="用我的").click()
    for page in (mine, theirs):
        await expect(page.get_by_role("button", name="撤销")).to_be_visible()
        assert await page.locator(".column button").count() == 0


async def test_a_guest_is_invited_the_card_shrinks_and_the_guest_is_removed(look: Looking, house: House) -> None:
    mine, guest = await look.window("u_liting", "&room=r_deal"), await look.window("u_guest")
    await say(mine, "华星")
    await expect(mine.locator(".card .facts").first).to_be_visible()
    await mine.locator("#members").click()
    await mine.get_by_role("button", name="邀请 David Park").click()
    await expect(mine.get_by_role("button", name="移除 David Park")).to_be_focused()
    await guest.get_by_role("button", name="华星项目").click()
    shrunk = cards.customer(house.clock.now(), guest=True)
    await house.gateway.call("PUT", f"/messages/{house.gateway.posted['华星']}", {"card": shrunk})
    for page in (mine, guest):
        await expect(page.locator(".card .facts")).to_have_count(0)
    await mine.get_by_role("button", name="移除 David Park").click()
    await expect(guest.locator(".toast")).to_contain_text("已不在那个会话里")
    await expect(guest.locator("#room-title")).to_have_text("渠道伙伴")
    assert "谈判" not in await guest.content()


async def test_messages_are_edited_deleted_and_quoted_by_keyboard_alone(look: Looking, house: House) -> None:
    page = await look.window("u_liting")
    await page.focus("#composer-text")
    await page.keyboard.type("第一句")
    await page.keyboard.press("Enter")
    await expect(page.locator(".text")).to_have_text("第一句")
    await _tab_to(page, "编辑: 第一句")
    await page.keyboard.press("Enter")
    await page.keyboard.press("End")
    await page.keyboard.type("改过")
    await page.keyboard.press("Enter")
    await expect(page.locator(".text")).to_contain_text("第一句改过")
    await _tab_to(page, "引用: 第一句改过")
    await page.keyboard.press("Enter")
    await expect(page.locator("#composer-text")).to_be_focused()
    await page.keyboard.type("回复")
    await page.keyboard.press("Enter")
    await expect(page.locator("blockquote")).to_have_text("第一句改过")
    await _tab_to(page, "删除: 回复")
    await page.keyboard.press("Enter")
    await page.keyboard.press("Tab")
    await page.keyboard.press("Escape")
    await expect(page.locator("dialog[open]")).to_have_count(0)
    await page.keyboard.press("Enter")
    await page.get_by_role("dialog").get_by_role("button", name="删除").press("Enter")
    await expect(page.locator(".gone")).to_have_text("这条消息已删除。")


async def _tab_to(page: Page, name: str) -> None:
    for _ in range(80):
        await page.keyboard.press("Shift+Tab")
        if await page.evaluate("document.activeElement.getAttribute('aria-label')") == name:
            return
    raise AssertionError(f"the keyboard does not reach {name!r}")


async def test_an_input_method_keeps_its_enter(look: Looking, house: House) -> None:
    page = await look.window("u_liting")
    await page.fill("#composer-text", "hua")
    await page.evaluate(
        "document.querySelector('#composer-text').dispatchEvent("
        "new KeyboardEvent('keydown', {key: 'Enter', isComposing: true, bubbles: true, cancelable: true}))"
    )
    await page.press("#composer-text", "Shift+Enter")
    assert await page.input_value("#composer-text") == "hua\n"
    assert await Person(house, "u_liting").read("r_east") == []


async def test_a_lost_connection_is_said_and_caught_up(look: Looking, house: House) -> None:
    page = await look.window("u_chenwei")
    await Person(house, "u_liting").say("r_east", "vorher")
    await expect(page.locator(".text", has_text="vorher")).to_be_visible()  # the stream stands
    await page.context.set_offline(True)
    house.chat.windows.close()
    await expect(page.locator("#offline")).to_be_visible()
    await Person(house, "u_liting").say("r_east", "inzwischen")
    await page.context.set_offline(False)
    await expect(page.locator(".text", has_text="inzwischen")).to_be_visible()
    await expect(page.locator("#offline")).to_be_hidden()


async def test_a_gateway_that_is_down_is_said_and_nothing_typed_is_lost(look: Looking, house: House) -> None:
    page = await look.window("u_liting")
    await say(page, "华星")
    await expect(page.locator(".card")).to_be_visible()
    house.gateway.down = True
    await page.get_by_role("button", name="给我看全部").click()
    await expect(page.locator("#alarms")).to_contain_text("没有响应")
    await say(page, "晚到的一句")
    await expect(page.locator(".late")).to_be_visible()
    house.gateway.down = False
    await expect(page.locator(".late")).to_have_count(0)
    await until(lambda: house.gateway.events[-1]["text"] == "晚到的一句")


async def test_an_answer_slower_than_the_stream_does_not_undo_what_the_stream_told(look: Looking, house: House) -> None:
    page = await look.window("u_liting")

    async def held(route: Route) -> None:
        answer = await route.fetch()
        if route.request.method == "POST":
            await expect(page.locator(".late")).to_be_visible()
        await route.fulfill(response=answer)

    await page.route("**/api/page/entries?*", held)
    house.gateway.down = True
    await say(page, "晚到的一句")
    await expect(page.locator(".late")).to_be_visible()
    house.gateway.down = False
    await expect(page.locator(".late")).to_have_count(0)


async def test_another_person_another_language_and_the_clock(look: Looking, house: House) -> None:
    page = await look.window("u_liting")
    await say(page, "华星")
    await page.locator("#language").click()
    await expect(page.get_by_role("heading", name="East China sales")).to_be_visible()
    await expect(page.locator(".only, .head strong").first).to_have_text("Li Ting")
    await page.get_by_role("link", name="Wang Min", exact=False).first.click()
    await expect(page.locator("#persons [aria-current]")).to_contain_text("Wang Min")
    await expect(page).to_have_url(f"{house.url}/demo?as=u_wangmin&room=r_east")
    await expect(page.locator(".entry").first).to_contain_text("华星")
    await page.get_by_role("button", name="+1 day").click()
    await expect(page.locator(".head time").first).to_have_text("yesterday")
    assert house.clock.shift == 86_400_000


async def test_the_crms_own_screen_is_used_beside_the_chat(look: Looking, house: House) -> None:
    page = await look.window("u_liting")
    await page.get_by_role("tab", name="CRM 本身").click()
    await page.get_by_label("搜索客户").fill("华星")
    await page.locator("#hits button", has_text="华星").click()
    tier = page.get_by_role("combobox", name="等级")
    await expect(tier.locator("option")).to_have_text(["重点", "trial"])
    await page.get_by_role("button", name="English").click()
    await expect(page.get_by_role("combobox", name="Grade").locator("option").first).to_have_text("Key account")
    await expect(page.get_by_role("link", name="Console")).to_have_attribute("href", "/console?lang=en")
    await page.get_by_role("button", name="中文").click()
    await expect(page.get_by_role("link", name="控制台")).to_have_attribute("href", "/console?lang=zh-CN")
    await page.get_by_role("textbox", name="阶段").fill("签约")
    await page.get_by_role("textbox", name="阶段").press("Enter")
    await expect(page.locator("#toasts")).to_contain_text("已保存到 CRM")
    await page.get_by_role("button", name="提出一个风险").click()
    await expect(page.locator("#crm .risks")).to_contain_text("重新报价")
    assert house.desk.values["c1"]["stage"] == "签约"


async def test_what_people_write_is_never_markup(look: Looking, house: House) -> None:
    page = await look.window("u_liting")
    hostile = "<img src=x onerror=alert(1)><script>alert(2)</script>\u202e*x* <!channel>"
    await say(page, hostile)
    await say(page, "/why")
    await expect(page.locator(".text").first).to_have_text(hostile)
    await expect(page.locator(".card")).to_be_visible()
    assert await page.locator(".entries img, .entries script").count() == 0
    assert await page.locator(".entries a").evaluate_all("links => links.map(a => a.protocol)") == ["https:"]
    assert look.complaints == []
