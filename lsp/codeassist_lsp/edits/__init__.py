"""The next edit for clients: from the history of their documents to edits that fit these as they stand."""
