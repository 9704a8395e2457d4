{{ config(materialized='incremental', unique_key='turn_id') }}
{#- Every column is a least or a greatest: it does not matter in which order, or how often, events are read. -#}
{% set entered, left = [], [] %}
{% set telemetry = {
    'bot': 'bot',
    'began_at': 'least(occurred_at, coalesce(entered_at, occurred_at))',
    'accepted_at': 'cast(null as ' ~ portable('instant') ~ ')',
    'stop_requested_at': 'cast(null as ' ~ portable('instant') ~ ')',
    'delivered_at': "case when event_type = 'TurnTimed' then occurred_at end",
    'client_first_delta_ms': 'first_delta_ms',
    'client_total_ms': 'total_ms',
    'overhead_ms': 'overhead_ms',
} %}
{% for stage in known('stage') %}
{% do entered.append(stage ~ '_entered_at') %}
{% do left.append(stage ~ '_left_at') %}
{% do telemetry.update({
    stage ~ '_entered_at': "case when stage = '" ~ stage ~ "' then entered_at end",
    stage ~ '_left_at': "case when stage = '" ~ stage ~ "' then left_at end",
}) %}
{% endfor %}
{% set told = {
    'stg_turn_telemetry': telemetry,
    'stg_chat_turns': {'bot': 'bot', 'began_at': 'least(occurred_at, accepted_at)', 'accepted_at': 'accepted_at'},
    'stg_llm_usage': {'bot': 'bot', 'began_at': 'least(occurred_at, started_at)'},
    'stg_chat_controls': {
        'began_at': 'occurred_at',
        'stop_requested_at': "case when event_type = 'StopRequested' then occurred_at end",
    },
} %}
{% set least = ['bot', 'began_at', 'accepted_at'] + entered + [
    'stop_requested_at', 'delivered_at', 'client_first_delta_ms', 'client_total_ms', 'overhead_ms',
] %}
{% set greatest = ['last_event_at', 'last_logged_at'] + left %}
{% set folded %}
{% for column in least %}
min({{ column }}) as {{ column }},
{% endfor %}
{% for column in greatest %}
max({{ column }}) as {{ column }},
{% endfor %}
turn_id,
session_id,
user_id
{% endset %}

with
{% for model in told %}
{{ model }} as (
    {{ good_rows(model, 'last_logged_at') }}
),

{% endfor %}
seen as (
    {% for model, columns in told.items() %}
    select
        {% for column in least + left %}
        {{ columns.get(column, 'null') }} as {{ column }},
        {% endfor %}
        occurred_at as last_event_at,
        logged_at as last_logged_at,
        turn_id,
        session_id,
        user_id
    from {{ model }}
    {{ 'union all' if not loop.last }}
    {% endfor %}
),

arrived as (
    select
        {{ folded }}
    from seen
    group by turn_id, session_id, user_id
),

{% if is_incremental() %}
together as (
    select * from arrived
    union all
    select {{ (least + greatest) | join(', ') }}, turn_id, session_id, user_id
    from {{ this }}
    where turn_id in (select arrived.turn_id from arrived)
),

merged as (
    select
        {{ folded }}
    from together
    group by turn_id, session_id, user_id
),

{% endif %}
final as (
    select
        *,
        {{ built_at() }} as loaded_at
    from {{ 'merged' if is_incremental() else 'arrived' }}
)

select * from final
