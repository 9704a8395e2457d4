with turns as (
    select
        began_at,
        last_event_at,
        accepted_at,
        accept_entered_at
    from {{ ref('int_turns') }}
),

letters as (
    select occurred_at from {{ ref('fact_dead_letters') }}
),

activity as (
    select
        min(began_at) as first_at,
        max(last_event_at) as last_at
    from turns
    union all
    -- By the gateway's clock, which may be ahead of all others: the day of the turn.
    select
        min(coalesce(accepted_at, accept_entered_at)) as first_at,
        max(coalesce(accepted_at, accept_entered_at)) as last_at
    from turns
    union all
    select
        min(occurred_at) as first_at,
        max(occurred_at) as last_at
    from letters
),

span as (
    select
        min({{ portable('utc_date', 'first_at') }}) as first_day,
        max({{ portable('utc_date', 'last_at') }}) as last_day
    from activity
),

days as (
    {{ each_day('span') }}
),

final as (
    select
        date_day,
        extract(year from date_day) as year,
        extract(quarter from date_day) as quarter,
        extract(month from date_day) as month,
        extract(day from date_day) as day_of_month,
        {{ portable('iso_weekday', 'date_day') }} as iso_weekday,
        {{ portable('iso_weekday', 'date_day') }} >= 6 as is_weekend
    from days
)

select * from final
