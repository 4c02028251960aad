"""Agencies of the network: what they offer, where, when, to whom, and who is on duty. No address is kept."""

from referral_hub.directory.facts import Agency, Contact, Found, Need, NewAgency, NewService, Offer, Revealed, Search, Service, Unit, Viewer

__all__ = ["Agency", "Contact", "Found", "Need", "NewAgency", "NewService", "Offer", "Revealed", "Search", "Service", "Unit", "Viewer"]
