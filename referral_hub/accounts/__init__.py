"""Members: invitation, enrolment, admission to the agency's key, sign-in, and sessions that hold an unlocked key."""
