with turns as (
    select * from {{ ref('int_turns') }}
),

openings as (
    select
        session_id,
        user_id,
        bot as first_bot
    from turns
    qualify row_number() over (partition by session_id order by began_at, turn_id, user_id) = 1
),

spans as (
    select
        session_id,
        min(began_at) as started_at,
        max(last_event_at) as last_active_at,
        count(distinct turn_id) as turns,
        count(distinct bot) as bots
    from turns
    group by session_id
),

final as (
    select
        openings.session_id,
        openings.user_id,
        openings.first_bot,
        spans.started_at,
        spans.last_active_at,
        spans.turns,
        spans.bots
    from openings
    inner join spans on openings.session_id = spans.session_id
)

select * from final
