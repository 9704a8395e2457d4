{{ config(materialized='incremental', unique_key='event_id') }}
{% set columns = [
    'event_id', 'date_day', 'minute_of_day', 'occurred_at', 'reason', 'detail', 'consumer_group', 'origin_topic',
    'origin_partition', 'origin_offset', 'origin_timestamp', 'source_topic', 'source_partition', 'source_offset',
    'logged_at',
] %}

with landed as (
    {{ good_rows('stg_dead_letters') }}
),

dated as (
    select
        *,
        {{ portable('utc_date', 'occurred_at') }} as date_day,
        {{ portable('minute_of_day', 'occurred_at') }} as minute_of_day
    from landed
),

final as (
    {{ with_kept_rows(columns, 'event_id', 'dated') }}
)

select * from final
