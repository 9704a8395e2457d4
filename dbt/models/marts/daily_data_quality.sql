{% set facts = ['fact_chat_events', 'fact_llm_attempts', 'fact_feedback'] %}
{% set whole, real = portable('whole'), portable('real') %}

with
{% for fact in facts %}
{{ fact }} as (
    select
        {{ portable('utc_date', 'logged_at') }} as date_day,
        count(*) as events
    from {{ ref(fact) }}
    group by {{ portable('utc_date', 'logged_at') }}
),

{% endfor %}
quarantined as (
    select
        date_day,
        sum(case when is_critical then rows_set_aside else 0 end) as critical_rows,
        sum(case when is_critical then 0 else rows_set_aside end) as repeated_rows
    from {{ ref('quarantine') }}
    group by date_day
),

origins as (
    select min(origin_timestamp) as logged_at
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

together as (
    {% for fact in facts %}
    select
        date_day,
        events as good_events,
        0 as critical_rows,
        0 as repeated_rows,
        0 as rejected_records
    from {{ fact }}
    union all
    {% endfor %}
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

compared as (
    select
        *,
        good_events / nullif(good_events + critical_rows + rejected_records, 0) as conformance,
        critical_rows / nullif(good_events + critical_rows, 0) as critical_share,
        avg(good_events) over week as usual_events,
        count(*) over week as days_compared,
        coalesce(stddev_samp(good_events) over week, 0) as usual_deviation
    from days
    window week as (order by date_day rows between 14 preceding and 1 preceding)
),

final as (
    select
        date_day,
        cast(good_events as {{ whole }}) as good_events,
        cast(rejected_records as {{ whole }}) as rejected_records,
        cast(critical_rows as {{ whole }}) as critical_rows,
        cast(repeated_rows as {{ whole }}) as repeated_rows,
        cast(conformance as {{ real }}) as conformance,
        cast(0.95 as {{ real }}) as conformance_objective,
        coalesce(conformance >= 0.95, true) as is_conformance_met,
        cast(critical_share as {{ real }}) as critical_share,
        cast(0.01 as {{ real }}) as critical_objective,
        coalesce(critical_share < 0.01, true) as is_critical_met,
        cast(usual_events as {{ real }}) as usual_events,
        days_compared >= 7
        and abs(good_events - usual_events) > 3 * usual_deviation + 0.5 * usual_events as is_volume_unusual
    from compared
)

select * from final
