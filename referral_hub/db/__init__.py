"""The database floor: the declarative base, our column types, and the one place that commits."""

from referral_hub.db.base import Base, UtcDateTime, uuid7
from referral_hub.db.transaction import after_commit, before_commit, transact

__all__ = ["Base", "UtcDateTime", "after_commit", "before_commit", "transact", "uuid7"]
