"""Parses the bytes of a response body: gzip, the CSV header, record counting. Pure; opens no files."""
