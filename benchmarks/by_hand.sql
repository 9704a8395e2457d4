-- fact_chat_events as somebody would write it by hand, in one statement over the landing zone: each place of the log
-- once, the dimensions as they were. What the model does beside (quarantine, contracts, lists of files) is not in it.
create or replace table fact as
with telemetry as (
    select *
    from read_parquet('{landing}/turn-telemetry/date={days}/*.parquet', union_by_name = true, hive_partitioning = false)
    qualify row_number() over (partition by event_id order by _topic, _partition, _offset) = 1
),

turns as (
    select *
    from read_parquet('{landing}/chat-turns/date={days}/*.parquet', union_by_name = true, hive_partitioning = false)
    qualify row_number() over (partition by event_id order by _topic, _partition, _offset) = 1
),

together as (
    select
        event_id, _event as event_type, turn_id, session_id, user_id, bot, occurred_at, stage, outcome, error_code,
        entered_at as started_at,
        case when stage is null then occurred_at else left_at end as ended_at,
        case when stage is null then total_ms else (epoch_us(left_at) - epoch_us(entered_at)) / 1000.0 end
            as duration_ms,
        first_delta_ms, overhead_ms, null as attempts, null as epoch, null as prompt_tokens, null as completion_tokens,
        null as cost_usd, false as is_superseded, _topic as source_topic, _partition as source_partition,
        _offset as source_offset, _timestamp as logged_at
    from telemetry
    union all
    select
        event_id, _event, turn_id, session_id, user_id, bot, occurred_at, null, state, error_code, accepted_at,
        occurred_at, total_ms, first_delta_ms, null, attempts, epoch, usage.prompt_tokens, usage.completion_tokens,
        cost_usd,
        row_number() over (
            partition by turn_id order by epoch desc, attempts desc, occurred_at desc, event_id desc
        ) > 1,
        _topic, _partition, _offset, _timestamp
    from turns
),

dated as (
    select
        *,
        cast(occurred_at at time zone 'UTC' as date) as date_day,
        cast(
            extract('hour' from occurred_at at time zone 'UTC') * 60
            + extract('minute' from occurred_at at time zone 'UTC') as integer
        ) as minute_of_day
    from together
)

select dated.*, users.user_key, bots.bot_key
from dated
left join house.marts.dim_user as users
    on dated.user_id = users.user_id and dated.date_day >= users.valid_from and dated.date_day < users.valid_to
left join house.marts.dim_bot as bots
    on dated.bot = bots.bot and dated.occurred_at >= bots.valid_from and dated.occurred_at < bots.valid_to
