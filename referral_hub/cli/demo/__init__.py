"""The demonstration on one machine: a fictional network, known passphrases, cheap key derivation, cookies without Secure.

None of this can be switched on by a setting: it exists in this package and nowhere else.
"""
