{#- The one place where warehouses differ: a name and up to two expressions to the dialect's SQL. -#}
{% macro portable(what, first='', second='') %}
    {{- return(adapter.dispatch('portable', 'sluice')(what, first, second)) -}}
{% endmacro %}

{% macro duckdb__portable(what, first, second) %}
    {%- set forms = {
        'utc_date': "cast(" ~ first ~ " at time zone 'UTC' as date)",
        'minute_of_day': "cast(extract('hour' from " ~ first ~ " at time zone 'UTC') * 60"
            ~ " + extract('minute' from " ~ first ~ " at time zone 'UTC') as integer)",
        'instant_label': "strftime(" ~ first ~ " at time zone 'UTC', '%Y-%m-%dT%H:%M:%S.%fZ')",
        'milliseconds': "(epoch_us(" ~ second ~ ") - epoch_us(" ~ first ~ ")) / 1000.0",
        'later': first ~ " + to_microseconds(cast(round(" ~ second ~ " * 1000) as bigint))",
        'minutes_before': first ~ " - to_minutes(" ~ second ~ ")",
        'iso_weekday': "isodow(" ~ first ~ ")",
        'iso_week': "cast(date_trunc('week', " ~ first ~ ") as date)",
        'numbers_below': "(select cast(range as integer) as n from range(" ~ first ~ "))",
        'days_from': "date_add(" ~ first ~ ", to_days(cast(" ~ second ~ " as integer)))",
        'days_between': "date_diff('day', " ~ first ~ ", " ~ second ~ ")",
        'percentile': "quantile_cont(" ~ first ~ ", " ~ second ~ ")",
        'part': "split_part(" ~ first ~ ", ': ', " ~ second ~ ")",
        'fingerprint': "hash(" ~ first ~ ")",
        'key': "cast(concat('0x', substr(md5(" ~ first ~ "), 1, 15)) as bigint)",
        'digest': "sha256(" ~ first ~ ")",
        'landed_name': first,
        'by_lot': "cast(gen_random_uuid() as varchar)",
        'string': "varchar",
        'whole': "bigint",
        'real': "double",
        'money': "decimal(38, 10)",
        'instant': "timestamptz",
    } -%}
    {{- return(forms[what]) -}}
{% endmacro %}

{% macro bigquery__portable(what, first, second) %}
    {%- set forms = {
        'utc_date': "date(" ~ first ~ ")",
        'minute_of_day': "extract(hour from " ~ first ~ ") * 60 + extract(minute from " ~ first ~ ")",
        'instant_label': "format_timestamp('%Y-%m-%dT%H:%M:%E6SZ', " ~ first ~ ")",
        'milliseconds': "timestamp_diff(" ~ second ~ ", " ~ first ~ ", microsecond) / 1000.0",
        'later': "timestamp_add(" ~ first ~ ", interval cast(round(" ~ second ~ " * 1000) as int64) microsecond)",
        'minutes_before': "timestamp_sub(" ~ first ~ ", interval " ~ second ~ " minute)",
        'iso_weekday': "mod(extract(dayofweek from " ~ first ~ ") + 5, 7) + 1",
        'iso_week': "date_trunc(" ~ first ~ ", isoweek)",
        'numbers_below': "(select n from unnest(generate_array(0, " ~ first ~ " - 1)) as n)",
        'days_from': "date_add(" ~ first ~ ", interval " ~ second ~ " day)",
        'days_between': "date_diff(" ~ second ~ ", " ~ first ~ ", day)",
        'percentile': "approx_quantiles(" ~ first ~ ", 1000)[offset(cast(" ~ second ~ " * 1000 as int64))]",
        'part': "coalesce(split(" ~ first ~ ", ': ')[safe_offset(" ~ second ~ " - 1)], '')",
        'fingerprint': "farm_fingerprint(" ~ first ~ ")",
        'key': "cast(concat('0x', substr(to_hex(md5(" ~ first ~ ")), 1, 15)) as int64)",
        'digest': "to_hex(sha256(" ~ first ~ "))",
        'landed_name': first | string | replace('-', '_'),
        'by_lot': "generate_uuid()",
        'string': "string",
        'whole': "int64",
        'real': "float64",
        'money': "bignumeric",
        'instant': "timestamp",
    } -%}
    {{- return(forms[what]) -}}
{% endmacro %}
