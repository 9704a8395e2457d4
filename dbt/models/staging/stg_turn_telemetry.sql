with source as (
    select * from {{ source('landing', 'turn_telemetry') }}
),

renamed as (
    select
        event_id,
        turn_id,
        session_id,
        user_id,
        bot,
        stage,
        entered_at,
        left_at,
        outcome,
        error_code,
        first_delta_ms,
        total_ms,
        overhead_ms,
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
            missing=['turn_id', 'session_id', 'user_id', 'bot'],
            unknown={'event_type': 'telemetry', 'stage': 'stage', 'outcome': 'stage_outcome'},
            numbers={'first_delta_ms': 'milliseconds', 'total_ms': 'milliseconds'},
            signed={'overhead_ms': 'milliseconds'},
            times=['entered_at', 'left_at'],
            also={
                'missing_value: stage': "event_type = 'StageTimed' and stage is null",
                'missing_value: outcome': "event_type = 'StageTimed' and outcome is null",
                'missing_value: entered_at': "event_type = 'StageTimed' and (entered_at is null or left_at is null)",
                'missing_value: total_ms': "event_type = 'TurnTimed' and total_ms is null",
                'negative_value: left_at': "left_at < entered_at",
                'out_of_range: left_at': portable('milliseconds', 'entered_at', 'left_at') ~ " > " ~ var('most')['milliseconds'],
            }
        ) }} as defect
    from renamed
)

select * from final
