with telemetry as (
    select * from {{ ref('stg_turn_telemetry') }}
),

turns as (
    select * from {{ ref('stg_chat_turns') }}
),

stages as (
    select
        false as is_superseded,
        event_id,
        event_type,
        turn_id,
        session_id,
        user_id,
        bot,
        stage,
        outcome,
        error_code,
        entered_at as started_at,
        left_at as ended_at,
        {{ portable('milliseconds', 'entered_at', 'left_at') }} as duration_ms,
        null as first_delta_ms,
        null as overhead_ms,
        null as attempts,
        null as prompt_tokens,
        null as completion_tokens,
        null as cost_usd,
        occurred_at,
        source_topic,
        source_partition,
        source_offset,
        logged_at
    from telemetry
    where event_type = 'StageTimed'
),

deliveries as (
    select
        false as is_superseded,
        event_id,
        event_type,
        turn_id,
        session_id,
        user_id,
        bot,
        null as stage,
        null as outcome,
        null as error_code,
        null as started_at,
        occurred_at as ended_at,
        total_ms as duration_ms,
        first_delta_ms,
        overhead_ms,
        null as attempts,
        null as prompt_tokens,
        null as completion_tokens,
        null as cost_usd,
        occurred_at,
        source_topic,
        source_partition,
        source_offset,
        logged_at
    from telemetry
    where event_type = 'TurnTimed'
),

-- A turn that was taken over may be finished twice: the record of the newest owner counts.
ends as (
    select
        row_number() over (
            partition by turn_id
            order by epoch desc, attempts desc, occurred_at desc, event_id desc
        ) > 1 as is_superseded,
        event_id,
        event_type,
        turn_id,
        session_id,
        user_id,
        bot,
        null as stage,
        state as outcome,
        error_code,
        accepted_at as started_at,
        occurred_at as ended_at,
        total_ms as duration_ms,
        first_delta_ms,
        null as overhead_ms,
        attempts,
        prompt_tokens,
        completion_tokens,
        cost_usd,
        occurred_at,
        source_topic,
        source_partition,
        source_offset,
        logged_at
    from turns
),

together as (
    select * from stages
    union all
    select * from deliveries
    union all
    select * from ends
),

final as (
    select
        event_id,
        event_type,
        turn_id,
        session_id,
        user_id,
        bot,
        {{ portable('utc_date', 'occurred_at') }} as date_day,
        {{ portable('minute_of_day', 'occurred_at') }} as minute_of_day,
        occurred_at,
        stage,
        outcome,
        error_code,
        started_at,
        ended_at,
        duration_ms,
        first_delta_ms,
        overhead_ms,
        attempts,
        prompt_tokens,
        completion_tokens,
        cost_usd,
        is_superseded,
        source_topic,
        source_partition,
        source_offset,
        logged_at
    from together
)

select * from final
