"""Microsoft Dataverse, and what Dynamics 365 keeps in it, over the Web API."""

from crm.dataverse.config import Config
from crm.dataverse.crm import DataverseCrm as Crm

__all__ = ["Config", "Crm"]
