"""Attention, linear layers and rotary positions."""
