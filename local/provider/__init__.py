"""The development provider: an OpenAI-compatible model server with scripted answers, scripted faults and a meter.

It ships with the product, so that people can try their own routes against every way a model can fail.
"""
