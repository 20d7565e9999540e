"""The learned retriever's training."""
