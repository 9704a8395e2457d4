-- When people talk: turns by hour of the day (UTC) and day of the week.
select
    hours.hour_of_day,
    count(*) filter (where days.is_weekend) as weekend_turns,
    count(*) filter (where not days.is_weekend) as weekday_turns
from {{ ref('fact_chat_turns') }} as turns
inner join {{ ref('dim_date') }} as days on turns.date_day = days.date_day
inner join {{ ref('dim_time') }} as hours on turns.minute_of_day = hours.minute_of_day
group by hours.hour_of_day
order by hours.hour_of_day
