"""One server for several windows, and for programs."""
