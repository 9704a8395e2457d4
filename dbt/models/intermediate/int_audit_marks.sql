{{ config(materialized='incremental', unique_key='event_id') }}
{% set columns = [
    'event_id', 'actor_id', 'action', 'subject_id', 'outcome', 'reason', 'times', 'place', 'occurred_at', 'source_topic',
    'source_partition', 'source_offset', 'logged_at',
] %}

with landed as (
    {{ good_rows('stg_audit_log') }}
),

final as (
    {{ with_kept_rows(columns, 'event_id', 'landed') }}
)

select * from final
