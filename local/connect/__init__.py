"""A Kafka Connect worker and a PostgreSQL on this machine: `make connect`, and the tests."""
