"""A browser without scripts, for the page of one form."""

from __future__ import annotations

import re
from html import unescape

import aiohttp


class Browser:
    """Cookies and manners, without scripts."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.session = aiohttp.ClientSession(cookie_jar=aiohttp.CookieJar(unsafe=True))
        self.page = ""
        self.status = 0
        self.headers: dict[str, str] = {}

    async def go(self, link: str) -> str:
        async with self.session.get(f"{self.url}/form/{link}") as told:
            return await self._read(told)

    async def send(self, link: str, form: dict[str, str], **headers: str) -> str:
        async with self.session.post(f"{self.url}/form/{link}", data=form, headers=headers) as told:
            return await self._read(told)

    async def _read(self, told: aiohttp.ClientResponse) -> str:
        self.status, self.page = told.status, await told.text()
        self.headers = {name.lower(): value for name, value in told.headers.items()}
        return self.page

    async def open(self, link: str) -> str:
        await self.go(link)
        return await self.send(link, {"open": "1"})

    def fields(self) -> dict[str, str]:
        """What the page's form would send, nothing changed."""
        fields = re.search(r'<form method="post" class="fields".*?</form>', self.page, re.S)
        assert fields is not None, self.page
        return controls(fields[0])

    def button(self, label: str, index: int = 0) -> dict[str, str]:
        found = re.findall(r'<form method="post" class="press">.*?</form>', self.page, re.S)
        form = [each for each in found if f">{label}</button>" in each][index]
        value = re.search(r'name="press" value="([^"]*)"', form)
        assert value is not None
        return {**controls(form), "press": unescape(value[1])}


def controls(html: str) -> dict[str, str]:
    found: dict[str, str] = {}
    for tag in re.findall(r"<input [^>]*>", html):
        name, value = (re.search(rf'\b{each}="([^"]*)"', tag) for each in ("name", "value"))
        found[name[1] if name else ""] = unescape(value[1]) if value else ""
    for name_, options in re.findall(r'<select [^>]*name="([^"]*)".*?>(.*?)</select>', html, re.S):
        chosen = re.search(r'value="([^"]*)" selected', options)
        found[name_] = unescape(chosen[1]) if chosen else ""
    return found
