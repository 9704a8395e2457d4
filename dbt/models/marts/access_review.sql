with marks as (
    select * from {{ ref('int_audit_marks') }}
),

final as (
    select
        {{ portable('utc_date', 'occurred_at') }} as date_day,
        actor_id,
        action,
        outcome,
        coalesce(reason, '') as reason,
        cast(sum(times) as {{ portable('whole') }}) as times,
        count(distinct subject_id) as subjects,
        min(occurred_at) as first_at,
        max(occurred_at) as last_at,
        max(place) as last_place
    from marks
    group by 1, 2, 3, 4, 5
)

select * from final
