"""Reads in clear metadata. A list page and a referral's page leave one entry each; form pages and single facts leave none."""

from referral_hub.referrals.queries.detail import detail
from referral_hub.referrals.queries.facts import bases, check, choice, draft, handlers, id_of, referral
from referral_hub.referrals.queries.glance import glance, has_accepted_referral, numbers
from referral_hub.referrals.queries.lists import counts, incoming, outgoing
from referral_hub.referrals.queries.work import work_list
from referral_hub.referrals.reading import safe_contact_read_by
from referral_hub.referrals.scope import visible_to

__all__ = [
    "bases", "check", "choice", "counts", "detail", "draft", "glance", "handlers", "has_accepted_referral", "id_of", "incoming", "numbers", "outgoing",
    "referral", "safe_contact_read_by", "visible_to", "work_list",
]  # fmt: skip
