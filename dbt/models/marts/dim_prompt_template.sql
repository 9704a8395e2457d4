with attempts as (
    select
        template_key,
        template_id,
        template_hash,
        started_at as used_at
    from {{ ref('fact_llm_attempts') }}
),

ends as (
    select
        template_id,
        template_hash,
        accepted_at as used_at
    from {{ ref('int_turn_ends') }}
),

used as (
    select * from attempts
    union all
    select
        {{ template_key('ends') }} as template_key,
        template_id,
        template_hash,
        used_at
    from ends
),

final as (
    select
        template_key,
        min(template_id) as template_id,
        {{ portable('part', "replace(min(template_id), '@', ': ')", '1') }} as template_name,
        {{ portable('part', "replace(min(template_id), '@', ': ')", '2') }} as template_version,
        min(template_hash) as template_hash,
        min(used_at) as first_used_at,
        max(used_at) as last_used_at
    from used
    where template_key is not null
    group by template_key
)

select * from final
