with activity as (
    select * from {{ ref('int_turn_activity') }}
),

ordered as (
    select
        *,
        row_number() over (partition by session_id order by occurred_at, event_id) as place
    from activity
),

openings as (
    select
        session_id,
        user_id,
        bot as first_bot
    from ordered
    where place = 1
),

spans as (
    select
        session_id,
        min(occurred_at) as started_at,
        max(occurred_at) as last_active_at,
        count(distinct turn_id) as turns,
        count(distinct bot) as bots
    from activity
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
