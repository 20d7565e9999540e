"""Folders, their settings and indexes."""
