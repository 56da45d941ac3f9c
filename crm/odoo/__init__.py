"""Odoo 17 and 18, over JSON-RPC."""

from crm.odoo.config import Config
from crm.odoo.crm import OdooCrm as Crm

__all__ = ["Config", "Crm"]
