"""What people read: figures, and tables that fit a terminal."""
