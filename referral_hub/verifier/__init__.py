"""The check of a bundle, offline: who trusts nobody at the hub runs this on a machine of their own.

It needs Python and `cryptography`; no database, no network, nothing else of the hub. Reading order: `check` says what is checked, `whole`
and `extract` how, `findings` what can be found, `words` how it is told.
"""
