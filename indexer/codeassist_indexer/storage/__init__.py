"""The index in SQLite: all SQL stands here."""
