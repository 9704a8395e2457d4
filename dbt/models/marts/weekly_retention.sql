with turns as (
    select * from {{ ref('fact_chat_turns') }}
),

active as (
    select distinct
        user_id,
        {{ portable('iso_week', 'date_day') }} as week
    from turns
),

cohorts as (
    select
        user_id,
        min(week) as first_week
    from active
    group by user_id
),

came as (
    select
        cohorts.first_week,
        active.week,
        count(*) as people
    from active
    inner join cohorts on active.user_id = cohorts.user_id
    group by cohorts.first_week, active.week
),

sizes as (
    select
        first_week,
        people as cohort_people
    from came
    where week = first_week
),

final as (
    select
        came.first_week,
        cast({{ portable('days_between', 'came.first_week', 'came.week') }} / 7 as {{ portable('whole') }})
            as weeks_later,
        sizes.cohort_people,
        came.people,
        came.people / sizes.cohort_people as share
    from came
    inner join sizes on came.first_week = sizes.first_week
)

select * from final
