"""Finding personal data in a text: pure functions from a text and a policy to spans."""
