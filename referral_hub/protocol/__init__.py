"""What the agencies agreed: the form, who gets what, services, deadlines, consent texts and the life of a referral.

Pure: no database, no cryptography, no clock. `current()` gives the loaded lists; the submodules give the rules:
`forms` (checking a section), `package` (what may be sent), `lifecycle`, `deadlines`, `consent_text`.
"""

from referral_hub.protocol.book import Protocol
from referral_hub.protocol.loader import current, load

__all__ = ["Protocol", "current", "load"]
