"""Next edits by a server's model: what may leave this machine for them, what it proposes, how likely it finds them."""
