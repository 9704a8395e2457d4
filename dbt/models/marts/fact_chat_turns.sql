{{ config(materialized='incremental', unique_key='turn_id', post_hook="{{ point_anew('accepted_at') }}") }}
{% set stages = known('stage') %}
with turns as (
    select * from {{ ref('int_turns') }}
    where {{ made_since('loaded_at') }}
),

ends as (
    select * from {{ ref('int_turn_ends') }}
),

attempts as (
    select * from {{ ref('fact_llm_attempts') }}
    where not is_superseded
),

users as (select * from {{ ref('dim_user') }}),

bots as (select * from {{ ref('dim_bot') }}),

-- Rows of an erased person can have landed under two names.
times as (
    select
        turn_id,
        min(session_id) as session_id,
        min(user_id) as user_id,
        min(bot) as bot,
        min(coalesce(accepted_at, accept_entered_at, began_at)) as accepted_at,
        {{ portable('utc_date', 'min(coalesce(accepted_at, accept_entered_at, began_at))') }} as date_day,
        {% for stage in stages %}
        min({{ stage }}_entered_at) as {{ stage }}_entered_at,
        max({{ stage }}_left_at) as {{ stage }}_left_at,
        {% endfor %}
        min(stop_requested_at) as stop_requested_at,
        min(delivered_at) as delivered_at,
        min(client_first_delta_ms) as client_first_delta_ms,
        min(client_total_ms) as client_total_ms,
        min(overhead_ms) as overhead_ms,
        max(loaded_at) as loaded_at
    from turns
    group by turn_id
    having min(bot) is not null
),

ledger as (
    select
        turn_id,
        count(*) as attempts,
        cast(sum(prompt_tokens) as {{ portable('whole') }}) as prompt_tokens,
        cast(sum(completion_tokens) as {{ portable('whole') }}) as completion_tokens,
        cast(sum(cost_usd) as {{ portable('money') }}) as cost_usd
    from attempts
    {% if is_incremental() %}
    where attempts.turn_id in (select times.turn_id from times)
    {% endif %}
    group by turn_id
),

final as (
    select
        times.turn_id,
        times.session_id,
        users.user_key,
        times.user_id,
        bots.bot_key,
        times.bot,
        times.date_day,
        {{ portable('minute_of_day', 'times.accepted_at') }} as minute_of_day,
        coalesce(ends.state, 'running') as state,
        ends.error_code,
        ends.model,
        ends.finish_reason,
        {{ template_key('ends') }} as template_key,
        coalesce(ends.is_fallback, false) as is_fallback,
        times.accepted_at,
        times.accept_left_at as handed_on_at,
        times.enrich_entered_at as enrich_began_at,
        times.enrich_left_at as enriched_at,
        times.redact_entered_at as redact_began_at,
        times.redact_left_at as redacted_at,
        times.respond_entered_at as respond_began_at,
        {{ portable('later', 'times.accepted_at', 'ends.first_delta_ms') }} as first_delta_at,
        times.stop_requested_at,
        ends.occurred_at as finished_at,
        times.delivered_at,
        {% for stage in stages %}
        {{ portable('milliseconds', 'times.' ~ stage ~ '_entered_at', 'times.' ~ stage ~ '_left_at') }}
            as {{ stage }}_ms,
        {% endfor %}
        {{ portable('milliseconds', 'times.accept_left_at', 'times.enrich_entered_at') }} as enrich_wait_ms,
        {{ portable('milliseconds', 'times.enrich_left_at', 'times.redact_entered_at') }} as redact_wait_ms,
        {{ portable('milliseconds', 'times.redact_left_at', 'times.respond_entered_at') }} as respond_wait_ms,
        ends.first_delta_ms,
        ends.total_ms,
        times.client_first_delta_ms,
        times.client_total_ms,
        times.overhead_ms,
        coalesce(ledger.attempts, 0) as attempts,
        coalesce(ledger.prompt_tokens, 0) as prompt_tokens,
        coalesce(ledger.completion_tokens, 0) as completion_tokens,
        coalesce(ledger.cost_usd, 0) as cost_usd,
        ends.attempts as told_attempts,
        ends.cost_usd as told_cost_usd,
        ends.source_topic,
        ends.source_partition,
        ends.source_offset,
        ends.logged_at,
        times.loaded_at
    from times
    left join ends on times.turn_id = ends.turn_id
    left join ledger on times.turn_id = ledger.turn_id
    {{ as_they_were('times', 'accepted_at') }}
)

select * from final
