"""Where a next edit may lie: candidate lines, their features, the learned ranker, sites with reasons."""
