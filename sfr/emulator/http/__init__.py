"""HTTP as the emulator speaks it: requests read, answers sent, and every way in which sending can go wrong."""
