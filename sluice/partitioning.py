"""Where a session lives: Kafka's default partitioner, murmur2 of the key.

Source: `org.apache.kafka.common.utils.Utils.murmur2` and `BuiltInPartitioner.partitionForKey`.
"""

_SEED = 0x9747B28C
_M = 0x5BD1E995
_R = 24
_WORD = 0xFFFFFFFF


def murmur2(data: bytes) -> int:
    """Unsigned 32 bits."""
    length = len(data)
    h = (_SEED ^ length) & _WORD
    whole = length - length % 4
    for index in range(0, whole, 4):
        k = int.from_bytes(data[index : index + 4], "little")
        k = (k * _M) & _WORD
        k ^= k >> _R
        h = ((h * _M) & _WORD) ^ ((k * _M) & _WORD)
    tail = data[whole:]
    if tail:
        h ^= int.from_bytes(tail, "little")
        h = (h * _M) & _WORD
    h ^= h >> 13
    h = (h * _M) & _WORD
    return h ^ (h >> 15)


def partition_for(key: str, partitions: int) -> int:
    """The partition of a key among so many."""
    return (murmur2(key.encode()) & 0x7FFFFFFF) % partitions
