{#- The column is null, or a word of a set that `known` has. To warn: a newer platform may have words of its own. -#}
{% test known_words(model, column_name, kind) %}
select {{ column_name }}
from {{ model }}
where {{ column_name }} not in ('{{ known(kind) | join("', '") }}')
{% endtest %}
