{#- Operations on landed rows that are tables, as in BigQuery or another warehouse (`dbt run-operation NAME --args '...'`).
    Where the landing zone is a folder of files, `sluice retention`, `sluice erase` and the steward do it. Each one only
    counts and says what it would do until it is told `dry_run: false`. Afterwards: `dbt build --full-refresh`. -#}

{#- Rows that happened more than `keep_days` ago go: as long as `avro/topics.yaml` keeps the landing zone. -#}
{% macro retention(keep_days=400, dry_run=true) %}
    {%- if keep_days | int < 1 -%}
        {{- exceptions.raise_compiler_error("retention: keep_days is at least 1, not " ~ keep_days ~ ".") -}}
    {%- endif -%}
    {%- set before = portable('days_from', "cast(" ~ portable('utc_date', built_at()) ~ " as date)", '-' ~ keep_days | int) -%}
    {{- change_landed("retention", "occurred_at", "delete from {table} where {rows}",
        portable('utc_date', 'occurred_at') ~ " < " ~ before, dry_run) -}}
{% endmacro %}

{#- One day of one topic goes, to be landed once more. Whoever wrote it goes on where it was: told to, not by itself. -#}
{% macro purge(topic, day, dry_run=true) %}
    {%- do hold_for_a_day("purge", day | string) -%}
    {{- change_landed("purge", "occurred_at", "delete from {table} where {rows}",
        portable('utc_date', 'occurred_at') ~ " = cast('" ~ day ~ "' as date)", dry_run, topic) -}}
{% endmacro %}

{#- A person goes from all rows up to a time; the rows stay, so that counts, tokens and money do. `user_id` is the
    pseudonym, `until` an ISO time. What stands instead is one name for the person and one for each session, so that
    people and conversations stay counted. It leads nowhere: the warehouse draws the salt of these names by lot, dbt
    never sees it, and it goes at the end. A run that broke off is run again and goes on with the same. -#}
{% macro erase(user_id, until, dry_run=true) %}
    {%- if not modules.re.match('^[A-Za-z0-9_-]{1,64}$', user_id) -%}
        {{- exceptions.raise_compiler_error("erase: a user_id is a pseudonym such as usr_1f2e3d.") -}}
    {%- endif -%}
    {%- if not modules.re.match('^[0-9T:+ .Z-]{10,40}$', until | string) -%}
        {{- exceptions.raise_compiler_error("erase: until is a time such as 2026-11-26 12:00:00+00.") -}}
    {%- endif -%}
    {%- do hold_for_a_day("erase", (until | string)[:10]) -%}
    {%- set rows = "user_id = '" ~ user_id ~ "' and occurred_at <= cast('" ~ until ~ "' as " ~ portable('instant') ~ ")" -%}
    {%- set salt = none if dry_run else erasure_salt() -%}
    {{- change_landed("erase", "user_id", "update {table} set {cleared} where {rows}", rows, dry_run, salt=salt) -}}
    {%- if salt is not none -%}{%- do change("erase", "drop table " ~ salt) -%}{%- endif -%}
{% endmacro %}

{#- `sql` for each landed table with the column `needs`: {table}, {rows}, and {cleared}, what an erasure sets. -#}
{% macro change_landed(name, needs, sql, rows, dry_run, topic=none, salt=none) %}
    {%- if execute -%}
    {%- set found = landed_tables() -%}
    {%- set wanted = found if topic is none else found | selectattr('identifier', 'equalto', portable('landed_name', topic)) | list -%}
    {%- if not found -%}
        {{- exceptions.raise_compiler_error(name ~ ": there is no landed table. Where rows are files,"
            ~ " `sluice retention`, `sluice erase` and the steward do this.") -}}
    {%- elif not wanted -%}
        {{- exceptions.raise_compiler_error(name ~ ": there is no landed table of " ~ topic ~ ". There are: "
            ~ found | map(attribute='identifier') | join(', ') ~ ".") -}}
    {%- endif -%}
    {%- for table in wanted -%}
        {%- set columns = adapter.get_columns_in_relation(table) | map(attribute='name') | list -%}
        {%- if needs in columns -%}
            {%- set count = run_query("select count(*) from " ~ table ~ " where " ~ rows).rows[0][0] -%}
            {{- log(name ~ ": " ~ table.identifier ~ ": " ~ count ~ " rows" ~ (" would go" if dry_run else ""), info=true) -}}
            {%- if not dry_run and count -%}
                {%- set cleared = cleared_columns(columns, salt) -%}
                {%- do change(name, sql | replace('{table}', table | string) | replace('{cleared}', cleared)
                    | replace('{rows}', rows)) -%}
            {%- endif -%}
        {%- endif -%}
    {%- endfor -%}
    {%- endif -%}
{% endmacro %}

{#- Raises where a calendar has no such day. -#}
{% macro hold_for_a_day(name, day) %}
    {%- set parts = modules.re.match('^([12][0-9]{3})-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])$', day) -%}
    {%- set first = modules.datetime.date(parts[1] | int, parts[2] | int, 1) if parts else none -%}
    {%- if not parts or (first + modules.datetime.timedelta(days=(parts[3] | int) - 1)).month != first.month -%}
        {{- exceptions.raise_compiler_error(name ~ ": a day is written 2026-11-26, and " ~ day ~ " is none.") -}}
    {%- endif -%}
{% endmacro %}

{#- One statement, for good. -#}
{% macro change(name, sql) %}
    {%- call statement(name, auto_begin=true) -%}{{ sql }}{%- endcall -%}
    {%- do adapter.commit() -%}
{% endmacro %}

{#- A table with the salt of an erasure, beside the landed ones; none where there are none. -#}
{% macro erasure_salt() %}
    {%- set beside = landed_tables() | first if execute else none -%}
    {%- if not beside -%}{{- return(none) -}}{%- endif -%}
    {%- set table = api.Relation.create(database=beside.database, schema=beside.schema, identifier='erasure_salt') -%}
    {%- do change("erase", "create table if not exists " ~ table ~ " as select " ~ portable('by_lot') ~ " as salt") -%}
    {{- return(table) -}}
{% endmacro %}

{#- As the steward rewrites files: no name, no session, no words. -#}
{% macro cleared_columns(columns, salt) %}
    {%- set cleared = [] -%}
    {%- for column in columns -%}
        {%- if column in ('user_id', 'session_id') -%}
            {%- set digest = portable('digest', "(select salt from " ~ salt ~ ") || " ~ column) -%}
            {%- do cleared.append(column ~ " = '" ~ {'user_id': 'usr', 'session_id': 'ses'}[column] ~ "_erased_' || substr(" ~ digest ~ ", 1, 24)") -%}
        {%- elif column in ('question', 'answer') -%}{%- do cleared.append(column ~ " = ''") -%}
        {%- endif -%}
    {%- endfor -%}
    {{- return(cleared | join(', ')) -}}
{% endmacro %}

{#- Those of the sources that are there as tables, and their dead letters. -#}
{% macro landed_tables() %}
    {%- set found = [] -%}
    {%- for source in graph.sources.values() | selectattr('source_name', 'equalto', 'landing') -%}
        {%- for name in [source.identifier, source.identifier ~ '-dlq'] if '*' not in name -%}
            {%- set table = adapter.get_relation(database=target.database, schema=source.schema, identifier=name) -%}
            {%- if table is not none and table.is_table -%}{%- do found.append(table) -%}{%- endif -%}
        {%- endfor -%}
    {%- endfor -%}
    {{- return(found | sort(attribute='identifier')) -}}
{% endmacro %}
