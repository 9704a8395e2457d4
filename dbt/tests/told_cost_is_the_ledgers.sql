-- What a turn's own end told is what the ledger says. A turn that was taken over knows its last owner's attempts only;
-- a bill that had to be asked for may come some minutes after the end.
{{ config(severity='warn') }}

select
    turn_id,
    told_attempts,
    attempts,
    told_cost_usd,
    cost_usd
from {{ ref('fact_chat_turns') }}
where
    (told_attempts = attempts and told_cost_usd <> cost_usd)
    or (told_attempts > attempts and finished_at < {{ portable('minutes_before', built_at(), '30') }})
