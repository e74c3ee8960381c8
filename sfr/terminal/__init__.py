"""What people read: figures, tables, and text that a terminal shows as it is meant."""
