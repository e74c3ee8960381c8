"""The Analytics API: describes and runs reports, synchronously or asynchronously."""
