"""Access to records: SOQL queries, sObjects, and Bulk API 2.0 query jobs."""
