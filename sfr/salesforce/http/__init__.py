"""HTTP as SFR speaks it: one request at a time, every wait bounded, answers as received."""
