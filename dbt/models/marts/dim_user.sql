with activity as (
    select * from {{ ref('int_turn_activity') }}
),

final as (
    select
        user_id,
        min(occurred_at) as first_seen_at,
        max(occurred_at) as last_seen_at,
        count(distinct session_id) as sessions,
        count(distinct turn_id) as turns
    from activity
    group by user_id
)

select * from final
