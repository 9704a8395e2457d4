with usage as (
    select * from {{ ref('stg_llm_usage') }}
),

final as (
    select
        event_id,
        turn_id,
        attempt,
        attempt_id,
        outcome = 'abandoned'
        and row_number() over (
            partition by turn_id, attempt, attempt_id
            order by case when outcome = 'abandoned' then 1 else 0 end, occurred_at, event_id
        ) > 1 as is_superseded,
        session_id,
        user_id,
        bot,
        {{ portable('utc_date', 'occurred_at') }} as date_day,
        {{ portable('minute_of_day', 'occurred_at') }} as minute_of_day,
        model,
        provider_call_id,
        outcome,
        finish_reason,
        error_code,
        started_at,
        occurred_at as ended_at,
        first_token_ms,
        duration_ms,
        prompt_tokens,
        completion_tokens,
        prompt_tokens + completion_tokens as total_tokens,
        is_estimated,
        cost_usd,
        price_version,
        template_id,
        template_hash,
        source_topic,
        source_partition,
        source_offset,
        logged_at
    from usage
)

select * from final
