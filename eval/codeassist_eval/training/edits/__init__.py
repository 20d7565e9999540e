"""Fine-tuning a code model for next edits, on commits."""
