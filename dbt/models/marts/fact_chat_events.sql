{{ config(materialized='incremental', unique_key='turn_id', post_hook="{{ point_anew('occurred_at') }}") }}
-- depends_on: {{ ref('int_turns') }}
{% set string, real = portable('string'), portable('real') %}
{% set measures = ['attempts', 'epoch', 'prompt_tokens', 'completion_tokens', 'cost_usd'] %}
{% set columns = [
    'event_id', 'event_type', 'turn_id', 'session_id', 'user_id', 'bot', 'occurred_at', 'stage', 'outcome', 'error_code',
    'started_at', 'ended_at', 'duration_ms', 'first_delta_ms', 'overhead_ms', 'source_topic', 'source_partition',
    'source_offset', 'logged_at',
] + measures %}

with telemetry as (
    {{ good_rows('stg_turn_telemetry') }}
),

turns as (
    {{ good_rows('stg_chat_turns') }}
),

users as (select * from {{ ref('dim_user') }}),

bots as (select * from {{ ref('dim_bot') }}),

-- StageTimed has the stage's own times, TurnTimed those that a client saw.
landed as (
    select
        event_id, event_type, turn_id, session_id, user_id, bot, occurred_at, stage, outcome, error_code,
        entered_at as started_at,
        case when stage is null then occurred_at else left_at end as ended_at,
        case when stage is null then total_ms else {{ portable('milliseconds', 'entered_at', 'left_at') }} end
            as duration_ms,
        first_delta_ms, overhead_ms,
        null as {{ measures | join(', null as ') }},
        source_topic, source_partition, source_offset, logged_at
    from telemetry
    union all
    select
        event_id, event_type, turn_id, session_id, user_id, bot, occurred_at, cast(null as {{ string }}), state,
        error_code, accepted_at, occurred_at as ended_at, total_ms, first_delta_ms, cast(null as {{ real }}),
        {{ measures | join(', ') }},
        source_topic, source_partition, source_offset, logged_at
    from turns
),

together as (
    {{ with_kept_rows(columns, 'turn_id', 'landed', at='occurred_at') }}
),

-- A turn that was taken over may be finished twice: the record of the newest owner counts.
twice as (
    select turn_id
    from {{ 'together' if is_incremental() else ref('stg_chat_turns') }}
    where event_type = 'TurnFinished'
    group by turn_id
    having count(*) > 1
),

ends as ({{ 'select * from together' if is_incremental() else good_rows('stg_chat_turns') }}),

superseded as (
    select event_id
    from ends
    where event_type = 'TurnFinished' and turn_id in (select twice.turn_id from twice)
    qualify row_number() over (
        partition by turn_id order by epoch desc, attempts desc, occurred_at desc, event_id desc
    ) > 1
),

dated as (
    select
        *,
        {{ portable('utc_date', 'occurred_at') }} as date_day,
        {{ portable('minute_of_day', 'occurred_at') }} as minute_of_day,
        event_id in (select superseded.event_id from superseded) as is_superseded
    from together
),

final as (
    select dated.*, users.user_key, bots.bot_key
    from dated
    {{ as_they_were('dated', 'occurred_at') }}
)

select * from final
