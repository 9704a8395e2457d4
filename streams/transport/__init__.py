"""Faust over librdkafka: a consumer whose commit never passes unfinished work. See docs/decisions/0007."""
