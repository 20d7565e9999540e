"""What completes in an evaluation: ours, a server, llama.cpp."""
