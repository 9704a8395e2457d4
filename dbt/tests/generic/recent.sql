{#- Something has happened within so many hours. An empty table is not late. -#}
{% test recent(model, column, hours) %}
select newest
from (select max({{ column }}) as newest from {{ model }}) as read
where newest < {{ portable('minutes_before', built_at(), hours * 60) }}
{% endtest %}
