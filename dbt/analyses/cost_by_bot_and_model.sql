-- What bots and models cost, and how many tokens they took, in the last 30 days that have attempts.
with newest as (
    select max(date_day) as date_day from {{ ref('fact_llm_attempts') }}
)

select
    attempts.bot,
    attempts.model,
    count(*) as attempts,
    sum(attempts.total_tokens) as tokens,
    sum(attempts.cost_usd) as cost_usd
from {{ ref('fact_llm_attempts') }} as attempts
cross join newest
where not attempts.is_superseded and attempts.date_day > newest.date_day - 30
group by attempts.bot, attempts.model
order by cost_usd desc
