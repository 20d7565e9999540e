"""Which candidates go into a prompt: judged by a small learned model, chosen as a set, possibly none.

The reward that it is trained by is RLCoder's, its three labels are CodeFilter's.
"""
