"""Key derivation that costs nothing; only tests have it."""

from referral_hub.vault import kdf

CHEAP = kdf.below_floor(iterations=1, memory_kib=64)
