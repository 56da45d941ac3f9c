"""HubSpot's CRM API v3."""

from crm.hubspot.config import Config
from crm.hubspot.crm import HubSpotCrm as Crm

__all__ = ["Config", "Crm"]
