{#- When this build began. `built_at` of the command line is for tests. -#}
{% macro built_at() %}
    {%- set at = var('built_at', none) or run_started_at.strftime('%Y-%m-%d %H:%M:%S.%f+00') -%}
    {{- return("cast('" ~ at ~ "' as " ~ portable('instant') ~ ")") -}}
{% endmacro %}

{#- Rows of a staging model that count: landed since the last build, not in quarantine, each place of the log once.
    A join, not `not exists`, which DuckDB would keep all rows in memory for. -#}
{% macro good_rows(model, watermark='logged_at') %}
select landed.*
from {{ ref(model) }} as landed
{{ join_quarantine('landed') }}
where
    bad.source_offset is null
    and landed.source_offset is not null
    and {{ arrived('landed', watermark) }}
{% if var('same_place_twice') %}
qualify row_number() over (
    partition by landed.source_topic, landed.source_partition, landed.source_offset order by landed.event_id
) = 1
{% endif %}
{% endmacro %}

{#- Late events have a late place in the log. The look-back is for partitions that land later than others. -#}
{% macro arrived(rows, watermark='logged_at') %}
    {%- if is_incremental() and not var('landed_is_new') -%}
        {%- set newest = "(select coalesce(max(" ~ watermark ~ "), cast('1970-01-01 00:00:00+00' as "
            ~ portable('instant') ~ ")) from " ~ this ~ " where " ~ watermark ~ " <= " ~ built_at() ~ ")" -%}
        {{- return(rows ~ ".logged_at > " ~ portable('minutes_before', newest, var('look_back_minutes'))) -}}
    {%- else -%}
        {{- return("true") -}}
    {%- endif -%}
{% endmacro %}

{#- Rows that models before this one have made since this one was made. -#}
{% macro made_since(loaded_at) %}
    {%- if is_incremental() -%}
        {{- return(loaded_at ~ " > (select coalesce(max(loaded_at), cast('1970-01-01 00:00:00+00' as "
            ~ portable('instant') ~ ")) from " ~ this ~ ")") -}}
    {%- else -%}
        {{- return("true") -}}
    {%- endif -%}
{% endmacro %}

{% macro join_quarantine(rows) %}
left join {{ ref('quarantine') }} as bad
    on
        {{ rows }}.source_topic = bad.source_topic
        and {{ rows }}.source_partition = bad.source_partition
        and {{ rows }}.source_offset = bad.source_offset
        and bad.reason <> 'landed_twice'
{% endmacro %}

{#- Rows that have landed, and those of the table as it is that share `key` with them, or with the rows `touched`:
    together they are made anew. `at` is the time of a turn's event, where a time can tell that rows are of no turn
    touched: DuckDB then reads the blocks of these times, not the whole table. -#}
{% macro with_kept_rows(columns, key, landed, touched=none, at=none) %}
select {{ columns | join(', ') }} from {{ landed }}
{% if is_incremental() %}
{% set again = touched or landed %}
union all
select kept.{{ columns | join(', kept.') }}
from (
    select * from {{ this }}
    where
        {{ key }} in (select touched_rows.{{ key }} from {{ again }} as touched_rows)
        {% if at and var('landed_is_new') %}and {{ at }} {{ lifetimes_of_touched_turns() }}{% endif %}
) as kept
{{ join_quarantine('kept') }}
left join {{ again }} as again
    on
        kept.source_topic = again.source_topic
        and kept.source_partition = again.source_partition
        and kept.source_offset = again.source_offset
where
    bad.source_offset is null
    and again.source_offset is null
{% endif %}
{% endmacro %}

{#- From the first to the last event of all turns that this build has touched. Only where one build reads the same new
    rows in every model: with watermarks, each model has its own idea of what is new. -#}
{% macro lifetimes_of_touched_turns() -%}
    between (select min(began_at) from {{ ref('int_turns') }} where loaded_at = {{ built_at() }})
        and (select max(last_event_at) from {{ ref('int_turns') }} where loaded_at = {{ built_at() }})
{%- endmacro %}

{#- A late event can change since when a version of a dimension holds: rows of before are pointed anew. Those of days
    before all turns that were touched keep theirs: a version follows from what was said until then. -#}
{% macro point_anew(at) %}
    {% if is_incremental() %}
update {{ this }} as fact
set user_key = version.user_key
from {{ ref('dim_user') }} as version
where
    fact.user_id = version.user_id
    and fact.date_day >= version.valid_from and fact.date_day < version.valid_to
    and fact.user_key <> version.user_key
    and fact.user_id in (select user_id from {{ ref('int_turns') }} where loaded_at = {{ built_at() }})
    {{ since_touched_turns('fact') }};
update {{ this }} as fact
set bot_key = version.bot_key
from {{ ref('dim_bot') }} as version
where
    fact.bot = version.bot
    and fact.{{ at }} >= version.valid_from and fact.{{ at }} < version.valid_to
    and fact.bot_key <> version.bot_key
    {{ since_touched_turns('fact') }}
    {% endif %}
{% endmacro %}

{#- See lifetimes_of_touched_turns. -#}
{% macro since_touched_turns(rows) -%}
    {% if var('landed_is_new') -%}
    and {{ rows }}.date_day >= (
        select {{ portable('utc_date', 'min(began_at)') }} from {{ ref('int_turns') }} where loaded_at = {{ built_at() }}
    )
    {%- endif %}
{%- endmacro %}

{#- Where facts, as the last build left them, have the events of some rows. No ref: facts are made after quarantine. -#}
{% macro places_in_facts(rows) %}
{% set facts = [
    'marts.fact_chat_events', 'marts.fact_llm_attempts', 'marts.fact_feedback', 'marts.fact_dead_letters',
    'intermediate.int_audit_marks',
] %}
{% for fact in facts %}
{% set schema, name = fact.split('.') %}
select
    event_id,
    cast(null as {{ portable('string') }}) as event_type,
    cast(null as {{ portable('string') }}) as turn_id,
    cast(null as {{ portable('instant') }}) as occurred_at,
    source_topic, source_partition, source_offset, logged_at,
    0 as landed_rows
from {{ api.Relation.create(database=this.database, schema=schema, identifier=name) }}
where event_id in (select event_id from {{ rows }})
{{ 'union all' if not loop.last }}
{% endfor %}
{% endmacro %}
