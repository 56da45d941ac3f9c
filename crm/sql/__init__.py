"""Any table or view a company has, by a declared mapping. Run against SQLite and PostgreSQL."""

from crm.sql.config import Config
from crm.sql.crm import SqlCrm as Crm

__all__ = ["Config", "Crm"]
