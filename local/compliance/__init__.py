"""`make compliance`: a checklist made of tests, configuration and the data map. See docs/reference/compliance.md."""
