-- Dashboards and ledger have the same sums, day by day.
with usage as (
    select
        date_day,
        sum(attempts) as attempts,
        sum(prompt_tokens + completion_tokens) as tokens,
        sum(cost_usd) as cost_usd
    from {{ ref('daily_usage') }}
    group by date_day
),

ledger as (
    select
        date_day,
        count(*) as attempts,
        sum(total_tokens) as tokens,
        sum(cost_usd) as cost_usd
    from {{ ref('fact_llm_attempts') }}
    where not is_superseded
    group by date_day
)

select
    coalesce(usage.date_day, ledger.date_day) as date_day,
    usage.cost_usd,
    ledger.cost_usd as ledger_cost_usd
from usage
full outer join ledger on usage.date_day = ledger.date_day
where
    coalesce(usage.attempts, 0) <> coalesce(ledger.attempts, 0)
    or coalesce(usage.tokens, 0) <> coalesce(ledger.tokens, 0)
    or coalesce(usage.cost_usd, 0) <> coalesce(ledger.cost_usd, 0)
