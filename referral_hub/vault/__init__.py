"""Sealing, opening, keys and signing; the only importer of `cryptography` (docs/formats.md, docs/keys.md).

Two locks stand on all content: the agency lock, which only members of the agency open, and the release lock, which only the hub opens.
Import from the modules: this package imports nothing by itself, so that `vault.signing` stays free of records.
"""
