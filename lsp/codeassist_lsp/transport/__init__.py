"""Messages over stdio and sockets."""
