"""The star schema: built by dbt beside the one in use, now and then or when asked for."""
