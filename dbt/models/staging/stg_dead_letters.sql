with source as (
    select * from {{ source('landing', 'dead_letters') }}
),

renamed as (
    select
        event_id,
        reason,
        detail,
        consumer_group,
        origin_topic,
        origin_partition,
        origin_offset,
        origin_timestamp,
        occurred_at,
        _event as event_type,
        _topic as source_topic,
        _partition as source_partition,
        _offset as source_offset,
        _timestamp as logged_at
    from source
),

final as (
    select
        *,
        {{ defect(
            missing=['reason', 'origin_topic', 'origin_offset'],
            unknown={'event_type': 'letters'}
        ) }} as defect
    from renamed
)

select * from final
