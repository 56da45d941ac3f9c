"""What can be done in a room, by Slack's own word: told in the room, by the command line, and with what mends it."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

from typer.testing import CliRunner

from channels.slack.manifest import COMMANDS, EVENTS, SCOPES, manifest
from gateway.cli.doctoring import examine
from gateway.cli.main import app
from tests.channels.slack.world import BOT, DEAL, LI, PARTNER, World, around, words
from tests.channels.slack.world import SCOPES as GIVEN
from tests.gateway.house import NAME

ROOT = Path(__file__).parents[3]


async def asked(world: World, only: str = "slack") -> tuple[bool, str]:
    lines: list[str] = []
    well = await examine(world.live.folder / "floatcard.toml", only, lines.append)
    return well, "\n".join(lines)


async def test_a_room_says_what_the_bot_can_do_there(tmp_path: Path) -> None:
    async with around(tmp_path, "timeout = 9\n") as world:
        raw = f"team_id=T0FLOAT01&channel_id={DEAL}&user_id={LI}&command=/floatcard&text=doctor&trigger_id=tr.d1"
        assert (await world.post(raw.encode(), "application/x-www-form-urlencoded"))[0] == 200
        await world.live.settle()
        ((_, _, blocks),) = world.slack.whispers
        told = words(blocks)
        assert told.count("✓") == 6 and "都能听到" in told and "都已对应" in told


MISSING = (
    (GIVEN.replace("groups:history,", ""), ["◐ 我只能听到 @ 我的消息。", "groups:history"]),
    (GIVEN.replace("groups:history,", "").replace("app_mentions:read,", ""), ["✗ 我在这里什么也听不到。"]),
    (GIVEN.replace("chat:write,", ""), ["✗ 我不能在这里发言。", "chat:write"]),
    (GIVEN.replace("users:read,", ""), ["✗ 我读不到这里有谁", "users:read"]),
)


async def test_a_missing_scope_is_named(tmp_path: Path) -> None:
    async with around(tmp_path) as world:
        await world.say(LI, DEAL, NAME)
        for scopes, says in MISSING:
            world.slack.scopes = scopes
            well, told = await asked(world)
            assert not well and all(each in told for each in says), told


async def test_the_command_line_asks_everything(tmp_path: Path) -> None:
    async with around(tmp_path) as world:
        await world.say(LI, DEAL, NAME)
        await world.say(LI, PARTNER, NAME)
        well, told = await asked(world)
        assert f"({'slack/' + DEAL})" in told and "外部人员" in told and "✓" in told
        assert well, told
        world.slack.rooms[DEAL].remove(BOT)
        assert "/invite" in (await asked(world, f"slack/{DEAL}"))[1]
        world.slack.tokens.clear()
        well, told = await asked(world)
        assert not well and "重新安装" in told


def test_the_manifest_asks_for_what_is_used() -> None:
    """The one in the repository is what the command prints; every event that is read is subscribed to."""
    kept = json.loads((ROOT / "docs/channels/slack-manifest.json").read_text("utf-8"))
    assert kept == manifest({}, "https://crm.example/in/slack")
    run = CliRunner().invoke(app, ["slack", "manifest", "--url", "https://crm.example"])
    assert run.exit_code == 0 and json.loads(run.stdout) == kept
    assert CliRunner().invoke(app, ["web", "manifest"]).exit_code != 0
    assert CliRunner().invoke(app, ["nothing", "manifest"]).exit_code != 0
    from channels.slack.events import EVENTS as READ

    bare = {each.partition("/")[0] for each in READ} | {"app_uninstalled", "tokens_revoked"}
    subscribed = {each.partition(".")[0] for each in EVENTS}
    assert subscribed == bare - {"block_actions", "view_submission", "slash_command", "message_action", "shortcut"}
    assert set(kept["oauth_config"]["scopes"]["bot"]) == set(SCOPES) == set(GIVEN.split(","))
    assert [each["command"] for each in kept["features"]["slash_commands"]] == list(COMMANDS)


def test_a_manifest_reads_no_secret(tmp_path: Path) -> None:
    path = tmp_path / "floatcard.toml"
    path.write_text('public_url = "https://a.example"\n[channels.work]\ntype = "slack"\napp_token = "env:NOT_THERE"\n')
    run = CliRunner().invoke(app, ["slack", "manifest", "--config", str(path)])
    made: dict[str, Any] = json.loads(run.stdout)
    assert made["settings"]["socket_mode_enabled"] and "request_url" not in made["settings"]["interactivity"]
    code = "import sys; import gateway.cli.main; print([m for m in sys.modules if m.startswith('slack')])"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT, check=True)
    assert loaded.stdout.strip() == "[]", "a network is loaded when it is asked for"
