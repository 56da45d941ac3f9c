"""NoneBot2 with OneBot v11 over FastAPI and a matcher that does nothing.

`python -m benchmarks.wire.nonebot_server PORT`
"""

from __future__ import annotations

import sys

import nonebot
from nonebot.adapters.onebot.v11 import Adapter, MessageEvent

from benchmarks.wire.bodies import SECRET


def main(port: int) -> None:
    nonebot.init(
        driver="~fastapi",
        host="127.0.0.1",
        port=port,
        log_level="ERROR",
        onebot_secret=SECRET,
        fastapi_reload=False,
        _env_file=None,
    )
    nonebot.logger.remove()
    nonebot.get_driver().register_adapter(Adapter)
    matcher = nonebot.on_message()

    @matcher.handle()
    async def said(event: MessageEvent) -> None:
        return None

    @nonebot.get_driver().on_startup
    async def tell() -> None:
        print("ready", flush=True)

    nonebot.run(access_log=False, log_level="error")


if __name__ == "__main__":
    main(int(sys.argv[1]))
