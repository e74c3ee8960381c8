"""Escapes text from servers, lists and file systems for the program that displays it: one module per target.

HTML is escaped in `sfr.summaries.html.environment`, metrics in `sfr.summaries.prometheus`. JSON needs no more than its
own escapes: it is read by programs, which get exact values.
"""
