{#- In every row each column is at least the one before it. -#}
{% test ascending(model, columns) %}
select {{ columns | join(', ') }}
from {{ model }}
where
    {% for column in columns[1:] %}
    {{ 'or ' if not loop.first }}{{ column }} < {{ columns[loop.index0] }}
    {% endfor %}
{% endtest %}
