-- Why turns failed, with the newest turn of each kind and its place in the log.
select
    error_code,
    bot,
    count(*) as turns,
    max(accepted_at) as newest_at,
    arg_max(turn_id, accepted_at) as newest_turn,
    arg_max(concat(source_topic, '/', source_partition, '@', source_offset), accepted_at) as newest_place
from {{ ref('fact_chat_turns') }}
where state = 'failed'
group by error_code, bot
order by turns desc
