"""Referral Hub: sealed referrals between agencies, and a log of every access that can be proven."""

__version__ = "0.1.0"
