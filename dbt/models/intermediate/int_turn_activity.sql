with telemetry as (
    select * from {{ ref('stg_turn_telemetry') }}
),

turns as (
    select * from {{ ref('stg_chat_turns') }}
),

attempts as (
    select * from {{ ref('stg_llm_usage') }}
),

final as (
    select event_id, event_type, turn_id, session_id, user_id, bot, occurred_at
    from telemetry
    union all
    select event_id, event_type, turn_id, session_id, user_id, bot, occurred_at
    from turns
    union all
    select event_id, event_type, turn_id, session_id, user_id, bot, occurred_at
    from attempts
)

select * from final
