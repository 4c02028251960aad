"""A witness of a log: it has seen the log grow, signs that it only grew, and never signs anything else.

Run by an agency, apart from the hub: one key file and one SQLite file, no database of the hub and none of its rooms but the pure
modules of the log's formats (C2SP tlog-witness, tlog-cosignature).
"""
