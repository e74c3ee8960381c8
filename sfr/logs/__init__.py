"""The log: where records go, and how they become text, secrets masked."""
