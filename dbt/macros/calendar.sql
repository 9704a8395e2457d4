{#- Each day of a relation that has one row with first_day and last_day, both of them among it. -#}
{% macro each_day(span) %}
    select cast({{ portable('days_from', span ~ '.first_day', 'numbers.n') }} as date) as date_day
    from {{ span }}
    inner join {{ portable('numbers_below', '36525') }} as numbers
        on numbers.n <= {{ portable('days_between', span ~ '.first_day', span ~ '.last_day') }}
{%- endmacro %}
