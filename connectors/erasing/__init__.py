"""Erasure of a person: see eraser.py for the order of its steps."""
