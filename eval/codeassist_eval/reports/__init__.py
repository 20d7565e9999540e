"""Finished runs for people: tables, plots, comparisons."""
