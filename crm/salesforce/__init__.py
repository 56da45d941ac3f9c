"""Salesforce's REST API."""

from crm.salesforce.config import Config
from crm.salesforce.crm import SalesforceCrm as Crm

__all__ = ["Config", "Crm"]
