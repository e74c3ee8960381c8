"""Log-in: OAuth, SOAP and frontdoor, with their credentials, keys, tokens and sessions."""
