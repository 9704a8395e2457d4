-- Which models had to be asked again, how that ended, and what the failed attempts cost.
select
    model,
    outcome,
    failure,
    count(*) as attempts,
    sum(cost_usd) as cost_usd,
    median(duration_ms) as median_ms
from {{ ref('fact_llm_attempts') }}
where not is_superseded and (attempt > 1 or outcome <> 'completed')
group by model, outcome, failure
order by attempts desc
