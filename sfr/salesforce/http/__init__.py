"""The HTTP client: every wait is bounded, and bodies are handed on as received, still compressed."""
