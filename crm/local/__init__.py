"""The embedded CRM: a database of its own, reached like any other CRM."""

from crm.local.config import Config
from crm.local.crm import LocalCrm as Crm

__all__ = ["Config", "Crm"]
