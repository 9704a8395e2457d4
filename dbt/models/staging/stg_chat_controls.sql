with source as (
    select * from {{ source('landing', 'chat_controls') }}
),

renamed as (
    select
        event_id,
        turn_id,
        session_id,
        user_id,
        rating,
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
            missing=['turn_id', 'session_id', 'user_id'],
            unknown={'event_type': 'controls', 'rating': 'rating'},
            also={'missing_value: rating': "event_type = 'FeedbackGiven' and rating is null"}
        ) }} as defect
    from renamed
)

select * from final
