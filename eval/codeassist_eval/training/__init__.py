"""Rewards, and what is trained from them."""
