"""Reads in clear metadata. A list page and a referral's page leave one entry each; form pages and single facts leave none."""

from referral_hub.referrals.queries.detail import detail
from referral_hub.referrals.queries.facts import bases, chain, check, choice, draft, further, handlers, id_of, referral
from referral_hub.referrals.queries.glance import glance, has_accepted_referral, numbers
from referral_hub.referrals.queries.lists import counts, incoming, outgoing
from referral_hub.referrals.queries.of_case import open_of_case
from referral_hub.referrals.queries.returned import sent_back
from referral_hub.referrals.queries.second_look import without_consent
from referral_hub.referrals.queries.work import work_list
from referral_hub.referrals.reading import safe_contact_read_by
from referral_hub.referrals.scope import visible_to

__all__ = [
    "bases", "chain", "check", "choice", "counts", "detail", "draft", "further", "glance", "handlers", "has_accepted_referral", "id_of", "incoming", "numbers", "open_of_case", "outgoing",
    "referral", "safe_contact_read_by", "sent_back", "visible_to", "without_consent", "work_list",
]  # fmt: skip
