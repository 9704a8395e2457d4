with source as (
    select * from {{ source('landing', 'audit_log') }}
),

renamed as (
    select
        event_id,
        actor_id,
        action,
        subject_id,
        outcome,
        reason,
        times,
        place,
        occurred_at,
        _event as event_type,
        _topic as source_topic,
        _partition as source_partition,
        _offset as source_offset,
        _timestamp as logged_at
    from source
),

final as (
    select *
    from renamed
    qualify row_number() over (
        partition by event_id
        order by source_topic, source_partition, source_offset
    ) = 1
)

select * from final
