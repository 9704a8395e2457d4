with source as (
    select * from {{ source('landing', 'llm_usage') }}
),

renamed as (
    select
        event_id,
        turn_id,
        session_id,
        user_id,
        bot,
        attempt,
        attempt_id,
        purpose,
        model,
        provider_call_id,
        usage.prompt_tokens,
        usage.completion_tokens,
        usage.estimated as is_estimated,
        cost_usd,
        price_version,
        outcome,
        finish_reason,
        error_code,
        failure,
        started_at,
        first_token_ms,
        duration_ms,
        template_id,
        template_hash,
        occurred_at,
        _event as event_type,
        _topic as source_topic,
        _partition as source_partition,
        _offset as source_offset,
        _timestamp as logged_at
    from source
),

final as (
    select
        *,
        {{ defect(
            missing=[
                'turn_id', 'session_id', 'user_id', 'bot',
                'attempt', 'model', 'prompt_tokens', 'completion_tokens', 'cost_usd', 'outcome', 'started_at',
            ],
            unknown={'event_type': 'usage', 'outcome': 'attempt_outcome'},
            numbers={
                'attempt': 'times', 'prompt_tokens': 'tokens', 'completion_tokens': 'tokens', 'cost_usd': 'usd',
                'first_token_ms': 'milliseconds', 'duration_ms': 'milliseconds',
            },
            times=['started_at']
        ) }} as defect
    from renamed
)

select * from final
