with turns as (
    select * from {{ ref('fact_chat_turns') }}
),

feedback as (
    select * from {{ ref('fact_feedback') }}
    where not is_superseded
),

calendar as (
    select date_day from {{ ref('dim_date') }}
),

days as (
    select
        date_day,
        count(distinct user_id) as people,
        count(distinct session_id) as conversations,
        count(*) as turns
    from turns
    group by date_day
),

opinions as (
    select
        date_day,
        sum(ups) as ups,
        sum(downs) as downs
    from feedback
    group by date_day
),

active as (
    select distinct
        user_id,
        date_day
    from turns
),

followed as (
    select
        user_id,
        date_day,
        lead(date_day) over (partition by user_id order by date_day) as next_day,
        row_number() over (partition by user_id order by date_day) as place
    from active
),

newcomers as (
    select
        date_day,
        count(*) as new_people
    from followed
    where place = 1
    group by date_day
),

-- Somebody counts from a day on until 7 or 28 days later, or until the next day on which they came.
{% for days in [7, 28] %}
{% set last = portable('days_from', 'date_day', days) %}
steps_{{ days }} as (
    select
        date_day,
        1 as step
    from followed
    union all
    select
        cast(case when next_day < {{ last }} then next_day else {{ last }} end as date) as date_day,
        -1 as step
    from followed
    union all
    select
        date_day,
        0 as step
    from calendar
),

people_{{ days }} as (
    select
        date_day,
        sum(sum(step)) over (order by date_day) as people
    from steps_{{ days }}
    group by date_day
),

{% endfor %}
final as (
    select
        calendar.date_day,
        coalesce(days.people, 0) as people,
        coalesce(newcomers.new_people, 0) as new_people,
        cast(people_7.people as {{ portable('whole') }}) as people_7_days,
        cast(people_28.people as {{ portable('whole') }}) as people_28_days,
        coalesce(days.conversations, 0) as conversations,
        coalesce(days.turns, 0) as turns,
        cast(coalesce(opinions.ups, 0) as {{ portable('whole') }}) as ups,
        cast(coalesce(opinions.downs, 0) as {{ portable('whole') }}) as downs
    from calendar
    left join days on calendar.date_day = days.date_day
    left join newcomers on calendar.date_day = newcomers.date_day
    left join people_7 on calendar.date_day = people_7.date_day
    left join people_28 on calendar.date_day = people_28.date_day
    left join opinions on calendar.date_day = opinions.date_day
)

select * from final
