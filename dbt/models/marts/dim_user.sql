with turns as (
    select * from {{ ref('int_turns') }}
),

days as (
    select
        user_id,
        {{ portable('utc_date', 'began_at') }} as date_day,
        bot,
        count(distinct turn_id) as turns
    from turns
    group by user_id, date_day, bot
),

so_far as (
    select
        user_id,
        date_day,
        bot,
        dense_rank() over (partition by user_id order by date_day) as active_days,
        sum(turns) over (partition by user_id, bot order by date_day) as asked
    from days
),

-- The bot that was asked most so far; one that only draws level does not take its place.
leaders as (
    select
        *,
        max(asked) over (
            partition by user_id
            order by date_day asc, asked asc, bot desc rows between unbounded preceding and 1 preceding
        ) as most_before
    from so_far
),

led as (
    select
        user_id,
        date_day,
        active_days,
        last_value(case when bot is not null and asked > coalesce(most_before, 0) then bot end ignore nulls) over (
            partition by user_id
            order by date_day asc, asked asc, bot desc rows between unbounded preceding and current row
        ) as main_bot,
        row_number() over (partition by user_id, date_day order by asked desc, bot asc) as place
    from leaders
),

described as (
    select
        user_id,
        date_day,
        main_bot,
        case
            when active_days = 1 then 'new'
            when active_days < 5 then 'returning'
            when active_days < 20 then 'regular'
            else 'devoted'
        end as familiarity
    from led
    where place = 1
),

changes as (
    select *
    from described
    qualify
        row_number() over (partition by user_id order by date_day) = 1
        or familiarity <> lag(familiarity) over (partition by user_id order by date_day)
        or coalesce(main_bot, '') <> coalesce(lag(main_bot) over (partition by user_id order by date_day), '')
),

spans as (
    select
        user_id,
        min(began_at) as first_seen_at,
        max(last_event_at) as last_seen_at,
        count(distinct session_id) as sessions,
        count(distinct turn_id) as turns
    from turns
    group by user_id
),

versions as (
    select
        *,
        lead(date_day) over (partition by user_id order by date_day) as next_from
    from changes
),

final as (
    select
        {{ portable('key', "concat(versions.user_id, '@', cast(versions.date_day as " ~ portable('string') ~ "))") }}
            as user_key,
        versions.user_id,
        versions.familiarity,
        versions.main_bot,
        versions.date_day as valid_from,
        coalesce(versions.next_from, cast('9999-12-31' as date)) as valid_to,
        versions.next_from is null as is_current,
        spans.first_seen_at,
        spans.last_seen_at,
        spans.sessions,
        spans.turns
    from versions
    inner join spans on versions.user_id = spans.user_id
)

select * from final
