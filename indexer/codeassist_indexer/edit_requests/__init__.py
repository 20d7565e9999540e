"""What the next edit is asked with: what a working tree changed, and the files in which something may follow."""
