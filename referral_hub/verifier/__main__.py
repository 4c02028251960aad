"""`python -m referral_hub.verifier` is `referral-hub audit verify`."""

import sys

from referral_hub.verifier.main import main

sys.exit(main())
