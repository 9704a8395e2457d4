-- What newcomers and regulars think of each prompt template, as person and bot were when they said so.
select
    users.familiarity,
    bots.template_id,
    sum(feedback.ups) as ups,
    sum(feedback.downs) as downs
from {{ ref('fact_feedback') }} as feedback
inner join {{ ref('dim_user') }} as users on feedback.user_key = users.user_key
inner join {{ ref('dim_bot') }} as bots on feedback.bot_key = bots.bot_key
where not feedback.is_superseded
group by users.familiarity, bots.template_id
order by ups desc
