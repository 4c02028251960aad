"""`python -m referral_hub` is the same as `referral-hub`."""

from referral_hub.cli import main

main()
