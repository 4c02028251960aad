"""The gate: who calls, what each route admits, how failures look outside. Both fronts stand behind it."""
