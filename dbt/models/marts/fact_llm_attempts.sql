{{ config(materialized='incremental', unique_key='turn_id', post_hook="{{ point_anew('ended_at') }}") }}
-- depends_on: {{ ref('int_turns') }}
{% set columns = [
    'event_id', 'turn_id', 'attempt', 'attempt_id', 'purpose', 'session_id', 'user_id', 'bot', 'model',
    'provider_call_id', 'outcome', 'finish_reason', 'error_code', 'failure', 'started_at', 'ended_at', 'first_token_ms',
    'duration_ms', 'prompt_tokens', 'completion_tokens', 'is_estimated', 'cost_usd', 'price_version', 'template_id',
    'template_hash', 'source_topic', 'source_partition', 'source_offset', 'logged_at',
] %}

with usage as (
    {{ good_rows('stg_llm_usage') }}
),

users as (
    select * from {{ ref('dim_user') }}
),

bots as (
    select * from {{ ref('dim_bot') }}
),

landed as (
    select
        *,
        occurred_at as ended_at
    from usage
),

together as (
    {{ with_kept_rows(columns, 'turn_id', 'landed', at='ended_at') }}
),

abandoned as (
    select turn_id from together
    where outcome = 'abandoned'
),

-- A worker that was thought dead and came back wrote the true count beside the abandoned one.
superseded as (
    select event_id
    from together
    where turn_id in (select abandoned.turn_id from abandoned)
    qualify
        outcome = 'abandoned'
        and row_number() over (
            partition by turn_id, attempt, attempt_id
            order by case when outcome = 'abandoned' then 1 else 0 end, ended_at, event_id
        ) > 1
),

dated as (
    select
        *,
        {{ portable('utc_date', 'ended_at') }} as date_day,
        {{ portable('minute_of_day', 'ended_at') }} as minute_of_day,
        event_id in (select superseded.event_id from superseded) as is_superseded
    from together
),

final as (
    select
        dated.*,
        users.user_key,
        bots.bot_key,
        cast(dated.prompt_tokens as {{ portable('whole') }}) + cast(dated.completion_tokens as {{ portable('whole') }})
            as total_tokens,
        {{ template_key('dated') }} as template_key
    from dated
    {{ as_they_were('dated', 'ended_at') }}
)

select * from final
