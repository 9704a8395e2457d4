{#- One version of a prompt template: its id, and the beginning of the hash of its file. Null where there is none. -#}
{% macro template_key(rows) %}
    {{- return("case when " ~ rows ~ ".template_id <> '' then concat(" ~ rows ~ ".template_id, '#', substr("
        ~ rows ~ ".template_hash, 1, 12)) end") -}}
{% endmacro %}
