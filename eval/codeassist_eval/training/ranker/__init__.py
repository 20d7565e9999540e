"""The ranker's training and study."""
