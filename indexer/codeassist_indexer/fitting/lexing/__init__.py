"""The lexical state at a place of a text: what stands open there, in any language, in broken code too."""
