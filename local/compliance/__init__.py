"""Evidence: what tests and checks say of the sources as they are."""
