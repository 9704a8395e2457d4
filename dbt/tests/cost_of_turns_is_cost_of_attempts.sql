-- Each turn costs and reads what its attempts do, to the last of ten decimal places.
with turns as (
    select * from {{ ref('fact_chat_turns') }}
),

attempts as (
    select * from {{ ref('fact_llm_attempts') }}
    where not is_superseded
),

ledger as (
    select
        turn_id,
        count(*) as attempts,
        sum(prompt_tokens) + sum(completion_tokens) as tokens,
        sum(cost_usd) as cost_usd
    from attempts
    group by turn_id
)

select
    coalesce(turns.turn_id, ledger.turn_id) as turn_id,
    turns.cost_usd,
    ledger.cost_usd as ledger_cost_usd
from turns
full outer join ledger on turns.turn_id = ledger.turn_id
where
    turns.turn_id is null
    or turns.attempts <> coalesce(ledger.attempts, 0)
    or turns.prompt_tokens + turns.completion_tokens <> coalesce(ledger.tokens, 0)
    or turns.cost_usd <> coalesce(ledger.cost_usd, 0)
