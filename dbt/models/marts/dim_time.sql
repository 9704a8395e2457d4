with numbers as (
    select n from {{ portable('numbers_below', '1440') }}
),

split as (
    select
        n as minute_of_day,
        cast(floor(n / 60) as integer) as hour_of_day,
        cast(mod(n, 60) as integer) as minute_of_hour
    from numbers
),

final as (
    select
        minute_of_day,
        hour_of_day,
        minute_of_hour,
        concat(
            lpad(cast(hour_of_day as {{ portable('string') }}), 2, '0'),
            ':',
            lpad(cast(minute_of_hour as {{ portable('string') }}), 2, '0')
        ) as time_label,
        case
            when hour_of_day < 6 then 'night'
            when hour_of_day < 12 then 'morning'
            when hour_of_day < 18 then 'afternoon'
            else 'evening'
        end as day_part
    from split
)

select * from final
