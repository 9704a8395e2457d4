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
    select *
    from renamed
    qualify row_number() over (
        partition by event_id
        order by source_topic, source_partition, source_offset
    ) = 1
)

select * from final
