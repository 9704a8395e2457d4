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
    select
        *,
        {{ defect(
            missing=['actor_id', 'action', 'outcome'],
            unknown={'event_type': 'audit', 'outcome': 'audit_outcome'},
            numbers={'times': 'times'}
        ) }} as defect
    from renamed
)

select * from final
