"""The demo: the real gateway on SQLite with the `web` channel, a made-up company, and a chat to try it in."""
