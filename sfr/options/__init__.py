"""The building blocks of options: their types, expansion of paths and validation of URLs.

Imported by everything that declares options: the configuration and each log-in method.
"""
