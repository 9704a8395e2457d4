"""Labelled sentences, and how much of what is personal in them is found."""
