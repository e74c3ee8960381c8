"""What options of the configuration are made of: their types, and what turns a text into a path or checks a URL.

Below everything that declares options of its own: the configuration, and each log-in method.
"""
