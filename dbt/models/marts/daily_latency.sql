with events as (
    select * from {{ ref('fact_chat_events') }}
    where not is_superseded
),

measured as (
    select
        date_day,
        stage as span,
        duration_ms
    from events
    where event_type = 'StageTimed'
    union all
    select
        date_day,
        'first_delta' as span,
        first_delta_ms as duration_ms
    from events
    where event_type = 'TurnTimed' and first_delta_ms is not null
    union all
    select
        date_day,
        'overhead' as span,
        overhead_ms as duration_ms
    from events
    where event_type = 'TurnTimed' and overhead_ms is not null
    union all
    select
        date_day,
        'whole_turn' as span,
        duration_ms
    from events
    where event_type = 'TurnTimed'
),

final as (
    select
        date_day,
        span,
        count(*) as measurements,
        cast(avg(cast(duration_ms as decimal(18, 3))) as {{ portable('real') }}) as mean_ms,
        {{ portable('percentile', 'duration_ms', '0.5') }} as p50_ms,
        {{ portable('percentile', 'duration_ms', '0.95') }} as p95_ms,
        {{ portable('percentile', 'duration_ms', '0.99') }} as p99_ms,
        max(duration_ms) as max_ms
    from measured
    group by date_day, span
)

select * from final
