"""The fault campaign: people who talk, faults drawn from a seed, and a checker that knows only the promises.

It starts a platform of its own (three brokers, two of each worker and gateway), breaks it while it is used, and then
compares what clients saw, what the topics hold, what the provider metered and what has landed.
"""
