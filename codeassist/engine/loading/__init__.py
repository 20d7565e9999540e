"""Weights read from GGUF and safetensors files, and converted."""
