"""The inference core: weights, forward pass, cache, decoding."""
