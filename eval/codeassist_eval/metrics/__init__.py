"""Predictions judged."""
