"""Models on a server that speaks the OpenAI-compatible completions API: vLLM, SGLang, llama.cpp's servers, Ollama."""
