{#- As dbt's own `unique`, for long ids in many rows: only those are compared whose fingerprints are equal. -#}
{% test unique_event(model, column_name) %}
select {{ column_name }}
from {{ model }}
where {{ portable('fingerprint', column_name) }} in (
    select {{ portable('fingerprint', column_name) }}
    from {{ model }}
    group by 1
    having count(*) > 1
)
group by {{ column_name }}
having count(*) > 1
{% endtest %}
