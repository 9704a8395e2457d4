-- What a turn's own end told is what the ledger says. A turn that was taken over knows its last owner's attempts only.
{{ config(severity='warn') }}

select
    turn_id,
    told_attempts,
    attempts,
    told_cost_usd,
    cost_usd
from {{ ref('fact_chat_turns') }}
where told_attempts = attempts and told_cost_usd <> cost_usd
