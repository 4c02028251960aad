"""`python -m referral_hub.access.validate`: the policies fit the schema, every rule has its id and its explanation. For `make lint`."""

from __future__ import annotations

import re
import sys

from referral_hub.access import policies, roles
from referral_hub.access.verbs import Verb

_HEADING = re.compile(r"^\| `([a-z-]+)` \|", re.MULTILINE)


def findings() -> list[str]:
    """Return one line for everything amiss in `policies/`; empty when all is well."""
    policy_text, schema_text = policies.texts()
    found = policies.problems(policy_text, schema_text)
    if found:
        return found
    rules = [rule.id for rule in policies.parse(policy_text, schema_text).rules]
    explained = _HEADING.findall((policies.POLICY_FOLDER / "README.md").read_text(encoding="utf-8"))
    found += [f"rule id used twice: {rule}" for rule in sorted({r for r in rules if rules.count(r) > 1})]
    found += [f"rule not explained in policies/README.md: {rule}" for rule in rules if rule not in explained]
    found += [f"policies/README.md explains a rule that is not there: {rule}" for rule in explained if rule not in rules]
    found += [f"no verb for the act: {act}" for act in sorted(set(roles.table().able_by) - set(Verb))]
    return found


def main() -> int:
    """Print the findings; return 1 if there are any."""
    found = findings()
    for line in found:
        sys.stderr.write(f"{line}\n")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
