"""Text for people: figures, tables and paragraphs that fit a terminal."""
