"""Tryton over its JSON-RPC. Run against trytond 8.2 on PostgreSQL."""

from crm.tryton.config import Config
from crm.tryton.crm import TrytonCrm as Crm

__all__ = ["Config", "Crm"]
