"""What each candidate does to the likelihood of what comes."""
