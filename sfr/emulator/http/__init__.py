"""The emulator's HTTP server: reads requests, and sends responses with or without faults."""
