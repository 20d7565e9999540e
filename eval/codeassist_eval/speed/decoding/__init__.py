"""What one engine does: its kernels, how near they are to float32, a text written again."""
