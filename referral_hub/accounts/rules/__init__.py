"""Pure rules of accounts: who may be what, how long things last, how often one may try, what activation needs."""
