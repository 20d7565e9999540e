"""A server put together, from its start to its end."""
