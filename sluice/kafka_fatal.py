"""Errors after which a client of librdkafka does nothing any more: whoever has it must begin anew."""

from confluent_kafka import KafkaError


def is_fatal(error: KafkaError) -> bool:
    """Also of an error that comes as a message of a consumer: `fatal()` says no there, whatever it is."""
    return error.fatal() or error.code() == KafkaError._FATAL  # noqa: SLF001 (librdkafka's own name)
