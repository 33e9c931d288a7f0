"""Accounts, sessions, tokens and keys: who somebody is, and what they may."""
