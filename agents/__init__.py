"""The behaviour: one step a file, from an event to an outcome. No Kafka, no framework, no clock of its own."""
