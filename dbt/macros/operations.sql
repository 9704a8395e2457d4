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

{#- One day of one topic goes, to be landed once more. -#}
{% macro purge(topic, day, dry_run=true) %}
    {%- if not modules.re.match('^[0-9]{4}-[0-9]{2}-[0-9]{2}$', day | string) -%}
        {{- exceptions.raise_compiler_error("purge: a day is written 2026-11-26, not " ~ day ~ ".") -}}
    {%- endif -%}
    {{- change_landed("purge", "occurred_at", "delete from {table} where {rows}",
        portable('utc_date', 'occurred_at') ~ " = cast('" ~ day ~ "' as date)", dry_run, topic) -}}
{% endmacro %}

{#- A person goes from all rows up to a time; the rows stay, so that counts, tokens and money do. `user_id` is the
    pseudonym, `until` an ISO time. What stands instead is nobody's and leads nowhere. -#}
{% macro erase(user_id, until, dry_run=true) %}
    {%- if not modules.re.match('^[A-Za-z0-9_-]{1,64}$', user_id) -%}
        {{- exceptions.raise_compiler_error("erase: a user_id is a pseudonym such as usr_1f2e3d.") -}}
    {%- endif -%}
    {%- if not modules.re.match('^[0-9T:+ .Z-]{10,40}$', until | string) -%}
        {{- exceptions.raise_compiler_error("erase: until is a time such as 2026-11-26 12:00:00+00.") -}}
    {%- endif -%}
    {%- set rows = "user_id = '" ~ user_id ~ "' and occurred_at <= cast('" ~ until ~ "' as " ~ portable('instant') ~ ")" -%}
    {{- change_landed("erase", "user_id", "update {table} set {cleared} where {rows}", rows, dry_run) -}}
{% endmacro %}

{#- `sql` for each landed table with the column `needs`: {table}, {rows}, and {cleared}, what an erasure sets. -#}
{% macro change_landed(name, needs, sql, rows, dry_run, topic=none) %}
    {%- if execute -%}
    {%- set found = landed_tables() -%}
    {%- set wanted = found if topic is none else found | selectattr('identifier', 'equalto', topic) | list -%}
    {%- if not wanted -%}
        {{- exceptions.raise_compiler_error(name ~ ": there is no landed table" ~ (" of " ~ topic if topic else "")
            ~ ". Where rows are files, `sluice retention`, `sluice erase` and the steward do this.") -}}
    {%- endif -%}
    {%- for table in wanted -%}
        {%- set columns = adapter.get_columns_in_relation(table) | map(attribute='name') | list -%}
        {%- if needs in columns -%}
            {%- set count = run_query("select count(*) from " ~ table ~ " where " ~ rows).rows[0][0] -%}
            {{- log(name ~ ": " ~ table.identifier ~ ": " ~ count ~ " rows" ~ (" would go" if dry_run else ""), info=true) -}}
            {%- if not dry_run and count -%}
                {%- set cleared = cleared_columns(columns) -%}
                {%- call statement(name, auto_begin=true) -%}
                    {{ sql | replace('{table}', table | string) | replace('{cleared}', cleared) | replace('{rows}', rows) }}
                {%- endcall -%}
                {%- do adapter.commit() -%}
            {%- endif -%}
        {%- endif -%}
    {%- endfor -%}
    {%- endif -%}
{% endmacro %}

{#- As the steward rewrites files: no name, no session, no words. -#}
{% macro cleared_columns(columns) %}
    {%- set cleared = [] -%}
    {%- for column in columns -%}
        {%- if column == 'user_id' -%}{%- do cleared.append("user_id = 'usr_erased'") -%}
        {%- elif column == 'session_id' -%}{%- do cleared.append("session_id = 'ses_erased'") -%}
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
