{#- The one place where warehouses differ: a name and up to two expressions to the dialect's SQL. -#}
{% macro portable(what, first='', second='') %}
    {{- return(adapter.dispatch('portable', 'sluice')(what, first, second)) -}}
{% endmacro %}

{% macro duckdb__portable(what, first, second) %}
    {%- set forms = {
        'utc_date': "cast(" ~ first ~ " at time zone 'UTC' as date)",
        'minute_of_day': "cast(extract('hour' from " ~ first ~ " at time zone 'UTC') * 60"
            ~ " + extract('minute' from " ~ first ~ " at time zone 'UTC') as integer)",
        'milliseconds': "(epoch_us(" ~ second ~ ") - epoch_us(" ~ first ~ ")) / 1000.0",
        'iso_weekday': "isodow(" ~ first ~ ")",
        'numbers_below': "(select cast(range as integer) as n from range(" ~ first ~ "))",
        'days_from': "date_add(" ~ first ~ ", to_days(" ~ second ~ "))",
        'days_between': "date_diff('day', " ~ first ~ ", " ~ second ~ ")",
        'string': "varchar",
    } -%}
    {{- return(forms[what]) -}}
{% endmacro %}

{% macro bigquery__portable(what, first, second) %}
    {%- set forms = {
        'utc_date': "date(" ~ first ~ ")",
        'minute_of_day': "extract(hour from " ~ first ~ ") * 60 + extract(minute from " ~ first ~ ")",
        'milliseconds': "timestamp_diff(" ~ second ~ ", " ~ first ~ ", microsecond) / 1000.0",
        'iso_weekday': "mod(extract(dayofweek from " ~ first ~ ") + 5, 7) + 1",
        'numbers_below': "(select n from unnest(generate_array(0, " ~ first ~ " - 1)) as n)",
        'days_from': "date_add(" ~ first ~ ", interval " ~ second ~ " day)",
        'days_between': "date_diff(" ~ second ~ ", " ~ first ~ ", day)",
        'string': "string",
    } -%}
    {{- return(forms[what]) -}}
{% endmacro %}
