"""Everything specific to Salesforce: sessions, hosts, HTTP, log-in methods, and the routes that fetch reports."""
