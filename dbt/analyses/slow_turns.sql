-- The slowest turns of the newest day, and where each spent its time. `sluice turn` shows one of them whole.
select
    turn_id,
    bot,
    total_ms,
    enrich_wait_ms,
    redact_wait_ms,
    redact_ms,
    respond_wait_ms,
    first_delta_ms
from {{ ref('fact_chat_turns') }}
where date_day = (select max(turns.date_day) from {{ ref('fact_chat_turns') }} as turns) and total_ms is not null
order by total_ms desc
limit 20
