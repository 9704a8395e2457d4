{#- One version of a prompt template: its id, and the beginning of the hash of its file. Null where there is none. -#}
{% macro template_key(rows) %}
    {{- return("case when " ~ rows ~ ".template_id <> '' then concat(" ~ rows ~ ".template_id, '#', substr("
        ~ rows ~ ".template_hash, 1, 12)) end") -}}
{% endmacro %}

{#- Person and bot as they were then: rows have user_id, bot, date_day, and the time of the event. -#}
{% macro as_they_were(rows, at) %}
    left join users
        on {{ rows }}.user_id = users.user_id
        and {{ rows }}.date_day >= users.valid_from and {{ rows }}.date_day < users.valid_to
    left join bots
        on {{ rows }}.bot = bots.bot
        and {{ rows }}.{{ at }} >= bots.valid_from and {{ rows }}.{{ at }} < bots.valid_to
{%- endmacro %}
