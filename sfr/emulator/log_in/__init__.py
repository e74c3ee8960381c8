"""Log-in: OAuth, SOAP and frontdoor, with the credentials, keys, tokens and sessions behind them."""
