"""`python -m referral_hub.witness` runs the witness's commands."""

import sys

from referral_hub.witness.main import main

sys.exit(main())
