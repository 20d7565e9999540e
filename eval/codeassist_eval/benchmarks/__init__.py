"""Benchmarks: their files, tasks and official scores."""
