"""What a ranker chooses snippets among: for one request, everything in other files that may help, and what found it."""
