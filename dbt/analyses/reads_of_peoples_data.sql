-- Who opened, exported or erased whose data, by actor: for the reviewer of accesses.
select
    actor_id,
    action,
    outcome,
    sum(times) as times,
    max(last_at) as last_at
from {{ ref('access_review') }}
group by actor_id, action, outcome
order by times desc
