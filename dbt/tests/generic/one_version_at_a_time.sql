{#- Versions of one member follow each other without gap or overlap, and exactly the last one is the current one. -#}
{% test one_version_at_a_time(model, key) %}
with ordered as (
    select
        {{ key }},
        valid_from,
        valid_to,
        is_current,
        lead(valid_from) over (partition by {{ key }} order by valid_from) as next_from
    from {{ model }}
)

select *
from ordered
where valid_from >= valid_to or coalesce(next_from <> valid_to, not is_current) or (next_from is not null and is_current)
{% endtest %}
