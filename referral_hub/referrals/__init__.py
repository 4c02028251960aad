"""Referrals, the heart: one request for one service from one agency to another, sealed, with a life of its own."""
