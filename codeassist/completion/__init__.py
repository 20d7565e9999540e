"""One completion, from a request to a result: read session.py first."""
