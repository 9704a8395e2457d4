{#- What makes a landed row unfit to be counted: `reason: column`, or null. The reasons are those of `quarantine`.
    `numbers` are columns by what they count, which `most` of dbt_project.yml bounds; none is below zero but `signed`
    ones. A number that is none (NaN) is in no range. The log's own time comes first: what follows reckons with it. -#}
{% macro defect(missing, unknown={}, numbers={}, signed={}, times=[], also={}) %}
case
    when logged_at is null then 'missing_value: logged_at'
    when logged_at < {{ earliest() }} then 'too_early: logged_at'
    when logged_at > {{ portable('later', built_at(), var('clock_skew_ms')) }} then 'from_the_future: logged_at'
    {% for column in ['event_id', 'event_type', 'occurred_at', 'source_offset'] + missing %}
    when {{ column }} is null or cast({{ column }} as {{ portable('string') }}) = '' then 'missing_value: {{ column }}'
    {% endfor %}
    {% for column, kind in unknown.items() %}
    when {{ column }} not in ('{{ known(kind) | join("', '") }}') then 'unknown_value: {{ column }}'
    {% endfor %}
    {% for column, kind in numbers.items() %}
    when {{ column }} < 0 then 'negative_value: {{ column }}'
    when not ({{ column }} between 0 and {{ var('most')[kind] }}) then 'out_of_range: {{ column }}'
    {% endfor %}
    {% for column, kind in signed.items() %}
    when not ({{ column }} between -{{ var('most')[kind] }} and {{ var('most')[kind] }}) then 'out_of_range: {{ column }}'
    {% endfor %}
    {% for column in ['occurred_at'] + times %}
    when {{ column }} < {{ earliest() }} then 'too_early: {{ column }}'
    when {{ column }} > {{ portable('later', 'logged_at', var('clock_skew_ms')) }} then 'from_the_future: {{ column }}'
    {% endfor %}
    {% for label, condition in also.items() %}
    when {{ condition }} then '{{ label }}'
    {% endfor %}
end
{% endmacro %}

{#- See dbt_project.yml. -#}
{% macro earliest() %}
    {{- return("cast('" ~ var('earliest') ~ " 00:00:00+00' as " ~ portable('instant') ~ ")") -}}
{% endmacro %}

{#- Closed sets of words, as the events' types have them. -#}
{% macro known(kind) %}
    {{- return({
        'telemetry': ['StageTimed', 'TurnTimed'],
        'turns': ['TurnFinished'],
        'usage': ['AttemptMetered'],
        'controls': ['StopRequested', 'FeedbackGiven'],
        'audit': ['AuditRecorded'],
        'letters': ['DeadLetter'],
        'stage': ['accept', 'enrich', 'redact', 'respond'],
        'stage_outcome': ['passed', 'refused', 'completed', 'failed', 'cancelled'],
        'attempt_outcome': ['completed', 'failed', 'cancelled', 'abandoned'],
        'turn_state': ['completed', 'failed', 'cancelled'],
        'rating': ['up', 'down'],
        'audit_outcome': ['allowed', 'refused', 'failed'],
        'purpose': ['answer', 'summary'],
        'error_code': [
            'invalid_json', 'invalid_frame', 'unknown_frame_type', 'frame_too_large', 'frame_too_deep',
            'binary_frame', 'text_empty', 'text_too_long', 'text_control_characters', 'subprotocol_required',
            'unauthenticated', 'token_expired', 'key_revoked', 'identity_unavailable', 'origin_refused',
            'role_required', 'scope_required', 'not_found', 'method_not_allowed', 'bot_unknown',
            'unsupported_parameter', 'messages_too_large', 'turn_finished', 'turn_cancelled', 'too_many_turns',
            'slow_reader', 'log_unavailable', 'id_says_too_much', 'keys_unavailable', 'keys_unusable',
            'erasure_running', 'shutting_down', 'internal', 'deadline_exceeded', 'redaction_failed',
            'personal_data_refused', 'session_forbidden', 'model_refused_key', 'model_rate_limited',
            'model_unavailable', 'model_timeout', 'model_stream_broken', 'model_empty_answer',
            'model_context_too_long', 'model_content_filtered', 'model_refused_request',
        ],
    }[kind]) -}}
{% endmacro %}
