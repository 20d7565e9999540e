"""The next edit on the command line."""
