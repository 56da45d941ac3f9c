"""One `floatcard.toml`, read once, frozen, unknown keys refused."""

from gateway.config.load import check, load, secret
from gateway.config.model import Config

__all__ = ["Config", "check", "load", "secret"]
