"""Kafka Connect, the way past one machine: its configurations, made from the catalogue, and what looks after it."""
