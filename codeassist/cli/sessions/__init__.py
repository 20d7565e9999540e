"""What a command completes with: a model, a repository, a server."""
