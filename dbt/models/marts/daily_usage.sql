with attempts as (
    select * from {{ ref('fact_llm_attempts') }}
    where not is_superseded
),

turns as (
    select * from {{ ref('fact_chat_turns') }}
),

asked as (
    select
        date_day,
        bot,
        model,
        count(distinct session_id) as conversations,
        count(distinct user_id) as people,
        count(distinct turn_id) as turns,
        count(*) as attempts,
        sum(case when outcome = 'failed' then 1 else 0 end) as failed_attempts,
        sum(prompt_tokens) as prompt_tokens,
        sum(completion_tokens) as completion_tokens,
        sum(cost_usd) as cost_usd
    from attempts
    group by date_day, bot, model
),

-- Turns that ended before a model was asked.
unasked as (
    select
        date_day,
        bot,
        'none' as model,
        count(distinct session_id) as conversations,
        count(distinct user_id) as people,
        count(*) as turns,
        0 as attempts,
        0 as failed_attempts,
        0 as prompt_tokens,
        0 as completion_tokens,
        0 as cost_usd
    from turns
    where attempts = 0 and state <> 'running'
    group by date_day, bot
),

together as (
    select * from asked
    union all
    select * from unasked
),

final as (
    select
        date_day,
        bot,
        model,
        conversations,
        people,
        turns,
        attempts,
        cast(failed_attempts as {{ portable('whole') }}) as failed_attempts,
        cast(prompt_tokens as {{ portable('whole') }}) as prompt_tokens,
        cast(completion_tokens as {{ portable('whole') }}) as completion_tokens,
        cast(cost_usd as {{ portable('money') }}) as cost_usd
    from together
)

select * from final
