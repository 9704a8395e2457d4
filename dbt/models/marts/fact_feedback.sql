{{ config(materialized='incremental', unique_key='turn_id', post_hook="{{ point_anew('occurred_at') }}") }}
{% set columns = [
    'event_id', 'turn_id', 'session_id', 'user_id', 'occurred_at', 'rating', 'source_topic', 'source_partition',
    'source_offset', 'logged_at',
] %}

with controls as (
    {{ good_rows('stg_chat_controls') }}
),

turns as (
    select
        turn_id,
        min(bot) as bot,
        max(loaded_at) as loaded_at
    from {{ ref('int_turns') }}
    group by turn_id
),

users as (
    select * from {{ ref('dim_user') }}
),

bots as (
    select * from {{ ref('dim_bot') }}
),

landed as (
    select {{ columns | join(', ') }} from controls
    where event_type = 'FeedbackGiven'
),

touched as (
    select turn_id, source_topic, source_partition, source_offset from landed
    union all
    select
        turn_id,
        null as source_topic,
        null as source_partition,
        null as source_offset
    from turns
    where {{ made_since('loaded_at') }}
),

together as (
    {{ with_kept_rows(columns, 'turn_id', 'landed', touched='touched') }}
),

dated as (
    select
        together.*,
        turns.bot,
        turns.loaded_at,
        {{ portable('utc_date', 'together.occurred_at') }} as date_day,
        {{ portable('minute_of_day', 'together.occurred_at') }} as minute_of_day,
        row_number() over (
            partition by together.turn_id, together.user_id order by together.occurred_at desc, together.event_id desc
        ) > 1 as is_superseded
    from together
    inner join turns on together.turn_id = turns.turn_id
),

final as (
    select
        dated.event_id,
        dated.turn_id,
        dated.session_id,
        users.user_key,
        dated.user_id,
        bots.bot_key,
        dated.bot,
        dated.date_day,
        dated.minute_of_day,
        dated.occurred_at,
        dated.rating,
        case dated.rating when 'up' then 1 else 0 end as ups,
        case dated.rating when 'down' then 1 else 0 end as downs,
        dated.is_superseded,
        dated.bot is not null as is_turn_known,
        dated.source_topic,
        dated.source_partition,
        dated.source_offset,
        dated.logged_at,
        dated.loaded_at
    from dated
    {{ as_they_were('dated', 'occurred_at') }}
)

select * from final
