"""Everything that knows Salesforce: sessions, hosts, HTTP, log-in methods, routes to a report."""
