"""The whole platform on one machine: broker, process manager, development provider."""
