{% set turns = ['stg_turn_telemetry', 'stg_chat_turns', 'stg_llm_usage', 'stg_chat_controls'] %}

with
{% for model in turns %}
{{ model }} as (
    select
        event_id, event_type, turn_id, occurred_at, source_topic, source_partition, source_offset, logged_at, defect
    from {{ ref(model) }}
),

{% endfor %}
{% for model in ['stg_audit_log', 'stg_dead_letters'] %}
{{ model }} as (
    select
        event_id,
        event_type,
        cast(null as {{ portable('string') }}) as turn_id,
        occurred_at,
        source_topic,
        source_partition,
        source_offset,
        logged_at,
        defect
    from {{ ref(model) }}
),

{% endfor %}
final as (
    {% for model in turns + ['stg_audit_log', 'stg_dead_letters'] %}
    select * from {{ model }}
    {% if not loop.last %}union all{% endif %}
    {% endfor %}
)

select * from final
