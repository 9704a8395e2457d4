"""The vocabulary of the platform: events, topics, codec, errors, settings, and the command line.

Imports nothing from the other packages of this project.
"""
