"""Escapes text of servers, lists and file systems for the program that shows it: one module for each reader.

A page is escaped where its markup is made (`sfr.summaries.markup`), metrics in `sfr.summaries.prometheus`. JSON needs
nothing but its own escapes: programs read it, and get exact values.
"""
