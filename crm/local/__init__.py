"""The embedded CRM: a database of its own, reached like any other CRM."""

from crm.local.config import Config
from crm.local.crm import LocalCrm as Crm
from crm.local.fields import KNOWN

WRITES = frozenset(KNOWN)
"""The fields it takes."""

__all__ = ["WRITES", "Config", "Crm"]
