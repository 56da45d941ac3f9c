"""The gateway itself: `python -m benchmarks.wire.ours CONFIG handler|turn`.

handler  what the peers do: the event is verified, stored durably, answered, understood, handed to a handler that does
         nothing, and taken out of the queue durably
accept   the same, but handed to nobody: stored durably and answered
turn     the whole turn of a message that names nobody: who speaks, what is mentioned, the trail
float    the whole turn of any message; a Slack that takes more than 20 posts a second of a workspace and lets one ask
         for a room's members as often as one likes, since what is measured is the gateway and not its patience
"""

from __future__ import annotations

import asyncio
import signal
import sys
from dataclasses import replace
from pathlib import Path
from unittest.mock import patch

from channels.slack.channel import Channel
from gateway.bus.embedded import EmbeddedBus
from gateway.bus.model import Delivery
from gateway.config import load
from gateway.http.run import open_server
from gateway.intake import Accepted
from gateway.loop import run
from gateway.spine import Spine


async def nothing(self: Spine, delivery: Delivery, accepted: Accepted) -> None:
    return None


async def main(config: Path, mode: str) -> None:
    if mode == "accept":
        with patch.object(EmbeddedBus, "_hand_over", lambda self, delivery: None):
            await served(config)
    elif mode == "handler":
        with patch.object(Spine, "_whole", nothing):
            await served(config)
    else:
        if mode == "float":
            Channel.limits = replace(Channel.limits, total_rate=100_000.0, methods={})
        await served(config)


async def served(config: Path) -> None:
    """Until it is told to end, and then in order: whoever is started next has not to wait for leases."""
    ends = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, ends.set)
    _, close = await open_server(load(config))
    print("ready", flush=True)
    await ends.wait()
    await close()


if __name__ == "__main__":
    run(main(Path(sys.argv[1]), sys.argv[2]))
