{#- What makes a landed row unfit to be counted: `reason: column`, or null. The reasons are those of `quarantine`. -#}
{% macro defect(missing, negative=[], unknown={}, also={}) %}
case
    {% for column in ['event_id', 'event_type', 'occurred_at', 'logged_at', 'source_offset'] + missing %}
    when {{ column }} is null or cast({{ column }} as {{ portable('string') }}) = '' then 'missing_value: {{ column }}'
    {% endfor %}
    {% for column, kind in unknown.items() %}
    when {{ column }} not in ('{{ known(kind) | join("', '") }}') then 'unknown_value: {{ column }}'
    {% endfor %}
    {% for column in negative %}
    when {{ column }} < 0 then 'negative_value: {{ column }}'
    {% endfor %}
    {% for label, condition in also.items() %}
    when {{ condition }} then '{{ label }}'
    {% endfor %}
    when occurred_at > {{ portable('later', 'logged_at', var('clock_skew_ms')) }} then 'from_the_future: occurred_at'
    when logged_at > {{ portable('later', built_at(), var('clock_skew_ms')) }} then 'from_the_future: logged_at'
end
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
    }[kind]) -}}
{% endmacro %}
