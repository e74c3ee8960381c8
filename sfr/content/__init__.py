"""What a body says: decoded, its footer found, its records counted, and proved whole. Writes nothing."""
