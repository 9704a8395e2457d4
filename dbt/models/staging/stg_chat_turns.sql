with source as (
    select * from {{ source('landing', 'chat_turns') }}
),

renamed as (
    select
        event_id,
        turn_id,
        session_id,
        user_id,
        bot,
        state,
        error_code,
        attempts,
        attempt_id,
        epoch,
        model,
        finish_reason,
        usage.prompt_tokens,
        usage.completion_tokens,
        usage.estimated as is_estimated,
        cost_usd,
        first_delta_ms,
        total_ms,
        first_token_ms,
        template_id,
        template_hash,
        fallback as is_fallback,
        accepted_at,
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
                'state', 'attempts', 'prompt_tokens', 'completion_tokens', 'cost_usd', 'total_ms', 'accepted_at',
            ],
            unknown={'event_type': 'turns', 'state': 'turn_state'},
            numbers={
                'attempts': 'times', 'prompt_tokens': 'tokens', 'completion_tokens': 'tokens', 'cost_usd': 'usd',
                'first_delta_ms': 'milliseconds', 'total_ms': 'milliseconds', 'first_token_ms': 'milliseconds',
            },
            times=['accepted_at']
        ) }} as defect
    from renamed
)

select * from final
