"""The BigQuery sink: rows of the landing zone in tables, each record once, by the Storage Write API."""
