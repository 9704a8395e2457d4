{{ config(materialized='incremental', unique_key='turn_id') }}
{% set columns = [
    'event_id', 'turn_id', 'bot', 'state', 'error_code', 'attempts', 'epoch', 'model', 'finish_reason', 'prompt_tokens',
    'completion_tokens', 'is_estimated', 'cost_usd', 'first_delta_ms', 'total_ms', 'first_token_ms', 'template_id',
    'template_hash', 'is_fallback', 'accepted_at', 'occurred_at', 'source_topic', 'source_partition', 'source_offset',
    'logged_at',
] %}

with landed as (
    {{ good_rows('stg_chat_turns') }}
),

known as (
    {{ with_kept_rows(columns, 'turn_id', 'landed') }}
),

twice as (
    select turn_id
    from {{ 'known' if is_incremental() else ref('stg_chat_turns') }}
    group by turn_id
    having count(*) > 1
),

-- A turn that was taken over may be finished twice: the record of the newest owner counts.
newest as (
    select {{ columns | join(', ') }}
    from known
    where turn_id in (select twice.turn_id from twice)
    qualify row_number() over (
        partition by turn_id order by epoch desc, attempts desc, occurred_at desc, event_id desc
    ) = 1
),

final as (
    select {{ columns | join(', ') }} from known
    where turn_id not in (select twice.turn_id from twice)
    union all
    select * from newest
)

select * from final
