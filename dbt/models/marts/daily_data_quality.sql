{% set facts = ['fact_chat_events', 'fact_llm_attempts', 'fact_feedback'] %}
{% set whole, real = portable('whole'), portable('real') %}
{% set weeks, compared_at_least, busy = 8, 2, 64 %}

with
{% for fact in facts %}
{{ fact }} as (
    select
        {{ portable('utc_date', 'logged_at') }} as date_day,
        source_topic,
        count(*) as events
    from {{ ref(fact) }}
    group by {{ portable('utc_date', 'logged_at') }}, source_topic
),

{% endfor %}
volumes as (
    {% for fact in facts %}
    select * from {{ fact }}
    {{ 'union all' if not loop.last }}
    {% endfor %}
),

quarantined as (
    select
        date_day,
        sum(case when is_critical then rows_set_aside else 0 end) as critical_rows,
        sum(case when is_critical then 0 else rows_set_aside end) as repeated_rows
    from {{ ref('quarantine') }}
    group by date_day
),

-- A record's own time can be what was wrong with it.
origins as (
    select
        min(
            case when origin_timestamp between {{ earliest() }} and logged_at then origin_timestamp else logged_at end
        ) as logged_at
    from {{ ref('fact_dead_letters') }}
    group by origin_topic, origin_partition, origin_offset
),

rejected as (
    select
        {{ portable('utc_date', 'logged_at') }} as date_day,
        count(*) as rejected_records
    from origins
    group by {{ portable('utc_date', 'logged_at') }}
),

-- Days without events are there too, from the first to the last that has any.
span as (
    select
        min(date_day) as first_day,
        max(date_day) as last_day
    from volumes
),

calendar as (
    {{ each_day('span') }}
),

topics as (
    select distinct source_topic from volumes
),

counted as (
    select
        calendar.date_day,
        topics.source_topic,
        sum(coalesce(volumes.events, 0)) as events
    from calendar
    cross join topics
    left join volumes on calendar.date_day = volumes.date_day and topics.source_topic = volumes.source_topic
    group by calendar.date_day, topics.source_topic
),

-- Weeks have a shape, so a day is compared with its own weekday. Medians do not mind single odd days.
weeks_before as (
    select
        counted.date_day,
        counted.source_topic,
        counted.events,
        earlier.events as earlier_events
    from counted
    inner join counted as earlier
        on
            counted.source_topic = earlier.source_topic
            and {{ portable('days_between', 'earlier.date_day', 'counted.date_day') }} between 7 and {{ 7 * weeks }}
            and mod({{ portable('days_between', 'earlier.date_day', 'counted.date_day') }}, 7) = 0
),

usual as (
    select
        date_day,
        source_topic,
        events,
        {{ portable('percentile', 'earlier_events', '0.5') }} as usual_events
    from weeks_before
    group by date_day, source_topic, events
    having count(*) >= {{ compared_at_least }}
),

spread as (
    select
        usual.date_day,
        usual.source_topic,
        usual.events,
        usual.usual_events,
        {{ portable('percentile', 'abs(weeks_before.earlier_events - usual.usual_events)', '0.5') }} as usual_distance
    from usual
    inner join weeks_before on usual.date_day = weeks_before.date_day and usual.source_topic = weeks_before.source_topic
    group by usual.date_day, usual.source_topic, usual.events, usual.usual_events
),

-- 1.4826 median distances are a standard deviation; one turn has several events, so their count has 2 roots at least.
judged as (
    select
        *,
        abs(events - usual_events)
        > 3 * greatest(1.4826 * usual_distance, 2 * sqrt(usual_events)) + 0.25 * usual_events as is_far,
        usual_events >= {{ busy }} and events < 0.1 * usual_events as is_silent
    from spread
),

-- A day that is not over can have too much already, and not too little yet.
unusual as (
    select
        date_day,
        string_agg(source_topic, ', ' order by source_topic) as unusual_topics
    from judged
    where
        (is_far or is_silent)
        and (events > usual_events or date_day < {{ portable('utc_date', built_at()) }})
    group by date_day
),

usual_days as (
    select
        date_day,
        sum(usual_events) as usual_events
    from usual
    group by date_day
),

together as (
    select
        date_day,
        events as good_events,
        0 as critical_rows,
        0 as repeated_rows,
        0 as rejected_records
    from counted
    union all
    select
        date_day,
        0 as good_events,
        critical_rows,
        repeated_rows,
        0 as rejected_records
    from quarantined
    union all
    select
        date_day,
        0 as good_events,
        0 as critical_rows,
        0 as repeated_rows,
        rejected_records
    from rejected
),

days as (
    select
        date_day,
        sum(good_events) as good_events,
        sum(critical_rows) as critical_rows,
        sum(repeated_rows) as repeated_rows,
        sum(rejected_records) as rejected_records
    from together
    group by date_day
),

shares as (
    select
        *,
        good_events / nullif(good_events + critical_rows + rejected_records, 0) as conformance,
        critical_rows / nullif(good_events + critical_rows, 0) as critical_share
    from days
),

final as (
    select
        shares.date_day,
        cast(shares.good_events as {{ whole }}) as good_events,
        cast(shares.rejected_records as {{ whole }}) as rejected_records,
        cast(shares.critical_rows as {{ whole }}) as critical_rows,
        cast(shares.repeated_rows as {{ whole }}) as repeated_rows,
        cast(shares.conformance as {{ real }}) as conformance,
        cast(0.95 as {{ real }}) as conformance_objective,
        coalesce(shares.conformance >= 0.95, true) as is_conformance_met,
        cast(shares.critical_share as {{ real }}) as critical_share,
        cast(0.01 as {{ real }}) as critical_objective,
        coalesce(shares.critical_share < 0.01, true) as is_critical_met,
        cast(usual_days.usual_events as {{ real }}) as usual_events,
        unusual.unusual_topics,
        unusual.date_day is not null as is_volume_unusual
    from shares
    left join usual_days on shares.date_day = usual_days.date_day
    left join unusual on shares.date_day = unusual.date_day
)

select * from final
