-- What was set aside and counts in no fact, why, and where the newest record lies.
select
    reason,
    detail,
    source_topic,
    sum(rows_set_aside) as rows_set_aside,
    max(logged_at) as newest_at
from {{ ref('quarantine') }}
group by reason, detail, source_topic
order by rows_set_aside desc
