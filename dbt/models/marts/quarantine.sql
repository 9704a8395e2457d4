{{ config(materialized='incremental', unique_key='log_place') }}

with defective as (
    select
        min(event_id) as event_id,
        min(event_type) as event_type,
        min(turn_id) as turn_id,
        min(occurred_at) as occurred_at,
        source_topic,
        source_partition,
        source_offset,
        min(logged_at) as logged_at,
        min(defect) as reason,
        count(*) as rows_set_aside
    from {{ ref('int_landed_rows') }} as landed
    where landed.defect is not null and {{ arrived('landed') }}
    group by source_topic, source_partition, source_offset
),

repeated as (
    select {{ portable('fingerprint', 'event_id') }} as fingerprint
    from {{ ref('int_landed_rows') }}
    group by {{ portable('fingerprint', 'event_id') }}
    having count(*) > 1
),

good as (
    select
        event_id, event_type, turn_id, occurred_at, source_topic, source_partition, source_offset, logged_at,
        1 as landed_rows
    from {{ ref('int_landed_rows') }} as landed
    where
        landed.defect is null
        and {{ arrived('landed') }}
        and (
            {{ 'true' if is_incremental() else 'false' }}
            or {{ portable('fingerprint', 'landed.event_id') }} in (select repeated.fingerprint from repeated)
        )
),

known as (
    select * from good
    {% if is_incremental() %}
    union all
    {{ places_in_facts('good') }}
    {% endif %}
),

places as (
    select
        event_id, source_topic, source_partition, source_offset,
        max(event_type) as event_type,
        max(turn_id) as turn_id,
        max(occurred_at) as occurred_at,
        max(logged_at) as logged_at,
        sum(landed_rows) as landed_rows
    from known
    group by event_id, source_topic, source_partition, source_offset
),

copies as (
    select
        event_id,
        max(event_type) over (partition by event_id) as event_type,
        max(turn_id) over (partition by event_id) as turn_id,
        max(occurred_at) over (partition by event_id) as occurred_at,
        source_topic, source_partition, source_offset, logged_at, landed_rows,
        row_number() over (partition by event_id order by source_topic, source_partition, source_offset) as place
    from places
),

together as (
    select * from defective
    union all
    select
        event_id, event_type, turn_id, occurred_at, source_topic, source_partition, source_offset, logged_at,
        case when place > 1 then 'resent' else 'landed_twice' end as reason,
        case when place > 1 then greatest(landed_rows, 1) else landed_rows - 1 end as rows_set_aside
    from copies
    where place > 1 or landed_rows > 1
),

final as (
    select
        concat(
            source_topic, '/', cast(source_partition as {{ portable('string') }}),
            '/', cast(source_offset as {{ portable('string') }})
        ) as log_place,
        event_id,
        event_type,
        turn_id,
        {{ portable('utc_date', "case when reason like '%: logged_at' then " ~ built_at() ~ " else logged_at end") }}
            as date_day,
        occurred_at,
        {{ portable('part', 'reason', '1') }} as reason,
        {{ portable('part', 'reason', '2') }} as detail,
        reason not in ('resent', 'landed_twice') as is_critical,
        cast(rows_set_aside as {{ portable('whole') }}) as rows_set_aside,
        source_topic,
        source_partition,
        source_offset,
        logged_at
    from together
)

select * from final
