with attempts as (
    select
        model,
        price_version,
        started_at,
        ended_at,
        event_id
    from {{ ref('fact_llm_attempts') }}
),

-- The end of a turn can land before its attempts do.
ends as (
    select
        model,
        accepted_at as started_at,
        occurred_at as ended_at
    from {{ ref('int_turn_ends') }}
    where model is not null
),

used as (
    select
        model,
        started_at,
        ended_at
    from attempts
    union all
    select * from ends
),

spans as (
    select
        model,
        min(started_at) as first_used_at,
        max(ended_at) as last_used_at
    from used
    group by model
),

prices as (
    select
        model,
        price_version as newest_price_version
    from attempts
    qualify row_number() over (partition by model order by ended_at desc, event_id asc) = 1
),

final as (
    select
        spans.model,
        case
            when strpos(spans.model, '/') > 0 then substr(spans.model, 1, strpos(spans.model, '/') - 1)
        end as provider,
        substr(spans.model, strpos(spans.model, '/') + 1) as model_name,
        prices.newest_price_version,
        spans.first_used_at,
        spans.last_used_at
    from spans
    left join prices on spans.model = prices.model
)

select * from final
